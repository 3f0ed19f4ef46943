import { compileSchema } from '@atp/core/protocol'
import { checkTool, providerFormat } from '@atp/core/providers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CorpusTool, corpus, providerViolations, type RuledProvider } from '../../src/providers/index.ts'
import { arbitraryFor, readable } from './arbitrary-for.ts'
import { relaxSchema } from './relax-schema.ts'

const providers: readonly RuledProvider[] = [
  'openai',
  'openai-chat',
  'openai-strict',
  'openai-chat-strict',
  'anthropic',
  'mistralai',
]
const runs = 15

function describeTool({
  name,
  description,
  schema,
}: CorpusTool): Parameters<ReturnType<typeof providerFormat>['toTools']>[0][number] {
  return { name, description, inputSchema: schema, auth: null, annotations: {}, tags: [] }
}

function schemaOf(tool: Record<string, unknown>): Record<string, unknown> {
  const inner = (tool.function ?? tool) as Record<string, unknown>
  return (inner.parameters ?? inner.input_schema) as Record<string, unknown>
}

function isValid(schema: Record<string, unknown>, value: unknown): boolean | string {
  const result = compileSchema(schema, 'input', 'schema').validate(value)
  if (result instanceof Promise) throw new Error('JSON Schemas are checked at once')
  return result.ok || result.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')
}

describe('the corpus', () => {
  test('has at least sixty tools of different names', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(60)
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length)
  })

  test.each(corpus.map((tool) => [tool.name, tool] as const))('%s: its samples are on the right side', (_, tool) => {
    expect(tool.valid.length).toBeGreaterThanOrEqual(2)
    expect(tool.invalid.length).toBeGreaterThanOrEqual(1)
    for (const args of tool.valid) expect([args, isValid(tool.schema, args)]).toEqual([args, true])
    for (const args of tool.invalid) expect([args, isValid(tool.schema, args)]).not.toEqual([args, true])
  })
})

describe.each(providers)('%s', (provider) => {
  const format = providerFormat(provider)

  test('takes all tools of the corpus in one request, or says which not and why', () => {
    const { tools, warnings } = format.toTools(corpus.map(describeTool))
    expect(providerViolations(provider, tools)).toEqual([])
    expect(tools).toHaveLength(corpus.length)
    for (const warning of warnings) {
      expect(warning).toMatchObject({
        provider,
        code: expect.stringMatching(/^[a-z_]+$/),
        message: expect.stringMatching(/^(Left out|Changed): ./),
      })
    }
  })

  test.each(corpus.map((tool) => [tool.name, tool] as const))(
    '%s: what fits the lowered schema fits the original',
    (_, tool) => {
      const { tools, readArguments } = format.toTools([describeTool(tool)])
      const lowered = schemaOf(tools[0] ?? {})
      const { changes } = checkTool(describeTool(tool), provider)
      const relaxed = relaxSchema(tool.schema, changes)
      let whole = 0
      fc.assert(
        fc.property(arbitraryFor(lowered), (args) => {
          expect([args, isValid(lowered, args)]).toEqual([args, true])
          const folded = readArguments(tool.name, args as Record<string, unknown>)
          const promised = isValid(relaxed, folded)
          expect([args, folded, promised]).toEqual([args, folded, true])
          if (isValid(tool.schema, folded) === true) whole += 1
        }),
        { numRuns: runs },
      )
      // The generator reads descriptions as far as a value alone tells whether they are kept: then nothing else is left to break.
      const unread = changes.some(
        ({ code, what }) => code === 'keyword_moved' && !readable.some((key) => what.startsWith(`"${key}"`)),
      )
      if (!unread) expect(whole).toBe(runs)
    },
  )

  test.each(corpus.map((tool) => [tool.name, tool] as const))(
    '%s: its samples pass unchanged, and the lowered schema knows them',
    (_, tool) => {
      if (format.strict) {
        // The form of strict mode is another; what is no part of it must come through nevertheless.
        expect(format.toTools([describeTool(tool)]).tools).toHaveLength(1)
        return
      }
      const { tools, readArguments, warnings } = format.toTools([describeTool(tool)])
      const { changes } = checkTool(describeTool(tool), provider)
      const isSameForm = !changes.some(({ code }) => code === 'root_wrapped' || code === 'property_renamed')
      for (const args of tool.valid) {
        expect(JSON.stringify(readArguments(tool.name, args))).toBe(JSON.stringify(args))
        if (isSameForm && warnings.length === 0) {
          expect([args, isValid(schemaOf(tools[0] ?? {}), args)]).toEqual([args, true])
        }
      }
    },
  )

  test('is the same for the same tools, and lowering what is lowered changes nothing', () => {
    for (const tool of corpus) {
      const [once] = format.toTools([describeTool(tool)]).tools
      expect(JSON.stringify(format.toTools([describeTool(tool)]).tools[0])).toBe(JSON.stringify(once))
      const lowered = schemaOf(once ?? {})
      const [again] = format.toTools([{ ...describeTool(tool), inputSchema: lowered }]).tools
      expect([tool.name, schemaOf(again ?? {})]).toEqual([tool.name, lowered])
    }
  })
})
