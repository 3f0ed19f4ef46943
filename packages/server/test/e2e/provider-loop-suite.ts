import type { JsonSchema, ToolDefinition, ToolHandler } from '@atp/core'
import { describe, expect, test } from 'vitest'
import { startProviderEndpoint } from './provider-endpoint.ts'
import { providerLoops, type ToolRunner } from './provider-loops.ts'
import type { ScriptedCall } from './provider-wire.ts'

/** A tool of the suite, in the form `registerTool` takes. */
export interface LoopTool {
  definition: ToolDefinition<JsonSchema> & { name: string }
  handler: ToolHandler
}

/** The tools a runner has to offer under {@link describeProviderLoops}. */
export const loopTools: readonly LoopTool[] = [
  {
    definition: {
      name: 'add',
      description: 'Adds two numbers',
      params: {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number' } },
        required: ['a', 'b'],
      },
    },
    handler: ({ a, b }) => ({ sum: (a as number) + (b as number) }),
  },
  {
    definition: {
      name: 'greet',
      description: 'Greets somebody',
      params: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    },
    handler: ({ name }) => `Grüezi, ${name}!`,
  },
  {
    definition: { name: 'boil', description: '', params: { type: 'object' } },
    handler: () => {
      throw new Error('The kettle is empty')
    },
  },
]

const script: readonly ScriptedCall[] = [
  { name: 'add', args: { a: 2, b: 3 } },
  { name: 'greet', args: { name: 'Zoë 日本' } },
  { name: 'boil', args: {} },
  { name: 'add', args: { a: 20, b: 30 } },
]
const quoted = 'The tools said: {"sum":5} | "Grüezi, Zoë 日本!" | {"error":"The kettle is empty"} | {"sum":50}'

/**
 * Runs every provider's official package against an imitation of its API, with the tools behind a runner: two steps,
 * four parallel calls of which one fails, and one model that writes broken arguments.
 */
export function describeProviderLoops(title: string, createRunner: () => Promise<ToolRunner & AsyncDisposable>): void {
  describe(title, () => {
    test.each(providerLoops)('$title: the model reads the result of every call', async (loop) => {
      await using runner = await createRunner()
      await using endpoint = await startProviderEndpoint(loop.endpoint, script)
      expect(await loop.run(endpoint.url, runner)).toBe(quoted)
      expect(endpoint.requests).toHaveLength(2)
    })

    const withTexts = providerLoops.filter((loop) => loop.endpoint !== 'anthropic')
    test.each(withTexts)('$title: broken arguments are told to the model, the other call runs', async (loop) => {
      await using runner = await createRunner()
      const broken = [
        { name: 'add', args: '{"a": 2, "b"' },
        { name: 'add', args: '{"a": 2, "b": 3}' },
      ]
      await using endpoint = await startProviderEndpoint(loop.endpoint, broken)
      expect(await loop.run(endpoint.url, runner)).toMatch(
        /^The tools said: \{"error":"The arguments of .*JSON object"\} \| \{"sum":5\}$/,
      )
    })
  })
}
