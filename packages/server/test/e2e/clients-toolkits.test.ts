import type { LLMClient } from '@atp/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/*
 * An LLM client and several toolkits at once, over each way to call them.
 */

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  const math = await server.toolkit({ appName: 'math', caption: 'Adds', instructions: 'Count twice' })
  math.registerTool(
    {
      name: 'add',
      description: 'Adds',
      params: z.object({ a: z.number(), b: z.number() }),
      annotations: { readOnly: true },
    },
    ({ a, b }) => a + b,
  )
  math.registerTool({ name: 'search', description: 'Searches numbers' }, () => 'a number')
  math.registerTool(
    {
      name: 'round',
      description: 'Rounds',
      params: z.object({ value: z.number(), digits: z.number().optional() }),
    },
    ({ value, digits = 0 }) => Number(value.toFixed(digits)),
  )
  await math.start()
  const books = await server.toolkit({ appName: 'Büro & Books', caption: 'Books' })
  books.registerTool({ name: 'search', description: 'Searches books' }, () => 'a book')
  books.registerTool({ name: 'burn', description: 'Burns a book', annotations: { destructive: true } }, () => {
    throw new Error('books do not burn')
  })
  books.registerTool({ name: 'x'.repeat(64), description: 'Has a long name' }, () => 'long')
  books.registerTool({ name: 'yesterday', description: 'Tells of a failure that is none' }, () => ({
    error: 'of yesterday',
  }))
  await books.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const toolkits = ['math', 'Büro & Books']

describe.each(['ws', 'http'] as const)('several toolkits over %s', (protocol) => {
  let llm: LLMClient
  beforeAll(() => {
    llm = server.llm({ protocol })
  })

  it('make one context whose names are kept apart and legal', async () => {
    const context = await llm.getToolkitContext({ toolkits, provider: 'anthropic', userPrompt: 'hi' })
    expect(context).toMatchObject({
      provider: 'anthropic',
      userPrompt: 'hi',
      instructions: 'For the tools of "math":\nCount twice',
      toolkits: [
        { toolkitName: 'math', caption: 'Adds', instructions: 'Count twice' },
        { toolkitName: 'Büro & Books', caption: 'Books' },
      ],
      warnings: [],
    })
    const names = context.tools.map(({ name }) => String(name))
    expect(names.slice(0, 3)).toEqual(['math__add', 'math__search', 'math__round'])
    expect(new Set(names).size).toBe(7)
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(context.routes.get('math__search')).toMatchObject({ toolkitName: 'math', tool: 'search' })
    const told = [...context.routes.values()].map(({ tool, annotations }) => [tool, annotations])
    expect(told).toContainEqual(['add', { readOnly: true }])
    expect(told).toContainEqual(['burn', { destructive: true }])
    expect(told).toContainEqual(['yesterday', {}])
  })

  it.each(['openai', 'openai-chat', 'openai-strict', 'anthropic', 'mistral'])(
    'run calls of %s where each belongs, in order, with failures among them',
    async (provider) => {
      const context = await llm.getToolkitContext({ toolkits, provider })
      const shown = (toolkitName: string, tool: string): string => {
        for (const [name, route] of context.routes) {
          if (route.toolkitName === toolkitName && route.tool.startsWith(tool)) return name
        }
        throw new Error(`no tool ${tool}`)
      }
      const calls: [string, object][] = [
        [shown('Büro & Books', 'search'), {}],
        [shown('math', 'add'), { a: 1, b: 2 }],
        [shown('Büro & Books', 'burn'), {}],
        [shown('math', 'search'), {}],
        ['search', {}],
        [shown('Büro & Books', 'xxx'), {}],
        [shown('Büro & Books', 'yesterday'), {}],
      ]
      // Another process may run the calls: nothing but the names is known there.
      for (const runner of [llm, server.llm({ protocol })]) {
        const toolCalls = calls.map(([name, args], index) => providerCall(provider, `id${index}`, name, args))
        const messages = await runner.callTool({ toolkits, provider, toolCalls })
        expect(readResults(messages)).toEqual([
          ['id0', 'a book'],
          ['id1', 3],
          ['id2', { error: 'books do not burn' }],
          ['id3', 'a number'],
          ['id4', { error: 'There is no tool "search"' }],
          ['id5', 'long'],
          ['id6', { error: 'of yesterday' }],
        ])
      }
    },
  )

  it('leave out those that cannot be had, and say why', async () => {
    const context = await llm.getToolkitContext({ toolkits: ['nothing', 'math'] })
    expect(context.tools).toHaveLength(3)
    expect(context.warnings).toEqual([
      {
        toolkit: 'nothing',
        tool: '',
        provider: 'openai',
        code: 'toolkit_not_found',
        message: expect.stringContaining('nothing'),
      },
    ])
    await expect(llm.getToolkitContext({ toolkits: ['nothing', 'no more'] })).rejects.toMatchObject({
      code: 'toolkit_not_found',
      message: expect.stringContaining('"nothing"'),
    })
  })

  it('fold away the nulls that a strict schema made the model write', async () => {
    const provider = 'openai-strict'
    const context = await llm.getToolkitContext({ toolkits: ['math'], provider })
    expect(context.tools.find(({ name }) => name === 'math__round')).toMatchObject({ strict: true })
    const toolCalls = [providerCall(provider, 'a', 'math__round', { value: 1.26, digits: null })]
    expect(readResults(await llm.callTool({ toolkits: ['math'], provider, toolCalls }))).toEqual([['a', 1]])
  })

  it('take a single call in the founding form too', async () => {
    const jsonResponse = { function: 'math__add', parameters: { a: 2, b: 2 } }
    await expect(llm.callTool({ toolkits, jsonResponse })).resolves.toEqual({ result: 4 })
  })

  it('fail as a whole with a key that is refused', async () => {
    const stranger = server.llm({ protocol, apiKey: `atp_llm_${'0'.repeat(49)}` })
    await expect(stranger.getToolkitContext({ toolkits })).rejects.toMatchObject({ code: 'unauthorized' })
    const toolCalls = [providerCall('openai', 'a', 'math__add', {})]
    await expect(stranger.callTool({ toolkits, toolCalls })).rejects.toMatchObject({ code: 'unauthorized' })
  })
})

describe.each(['ws', 'http'] as const)('a result over %s', (protocol) => {
  it('may look like a failure and be none', async () => {
    const call = { toolkitId: 'Büro & Books', tool: 'yesterday' }
    await expect(server.llm({ protocol }).call(call)).resolves.toEqual({ error: 'of yesterday' })
  })
})

describe.each(['ws', 'http'] as const)('calls of a model over %s', (protocol) => {
  it('run at the same time, and their end reaches the tools', async () => {
    const toolkit = await server.toolkit({ appName: `slow-${protocol}` })
    const begun: string[] = []
    const ended: string[] = []
    const all = Promise.withResolvers<void>()
    toolkit.registerTool({ name: 'wait', description: 'Waits', params: ['id'] }, ({ id }, { signal }) => {
      begun.push(String(id))
      if (begun.length === 3) all.resolve()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended.push(String(id))
          reject(signal.reason)
        })
      })
    })
    await toolkit.start()
    const abort = new AbortController()
    const toolCalls = ['a', 'b', 'c'].map((id) => providerCall('openai', id, 'wait', { id }))
    const calling = server
      .llm({ protocol })
      .callTool({ toolkitId: `slow-${protocol}`, toolCalls, signal: abort.signal })
    const cancelled = expect(calling).rejects.toMatchObject({ code: 'cancelled' })
    // Nobody of the three ends before all have begun.
    await all.promise
    abort.abort('the user left')
    await cancelled
    await expect.poll(() => ended.sort()).toEqual(['a', 'b', 'c'])
  })
})

function providerCall(provider: string, id: string, name: string, args: object): Record<string, unknown> {
  const text = JSON.stringify(args)
  if (provider === 'anthropic') return { type: 'tool_use', id, name, input: args }
  if (provider === 'mistral' || provider === 'openai-chat')
    return { id, type: 'function', function: { name, arguments: text } }
  return { type: 'function_call', call_id: id, name, arguments: text }
}

/** The id and the result of each call, whatever the provider's form. */
function readResults(messages: Record<string, unknown>[]): [string, unknown][] {
  return messages.flatMap((message): [string, unknown][] => {
    const blocks = Array.isArray(message.content) ? (message.content as Record<string, unknown>[]) : [message]
    return blocks.map((block) => [
      String(block.call_id ?? block.tool_use_id ?? block.tool_call_id),
      JSON.parse(String(block.output ?? block.content)) as unknown,
    ])
  })
}
