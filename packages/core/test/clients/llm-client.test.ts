import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient, type LLMClientOptions } from '../../src/clients/llm-client.ts'
import type { FromLlmFrame, LlmCallFrame } from '../../src/protocol/frames.ts'
import { llmServer, type ScriptedPeer, type ScriptedServer } from './scripted-server.ts'

let server: ScriptedServer<FromLlmFrame>
let client: LLMClient

beforeEach(() => {
  vi.useFakeTimers()
  server = llmServer()
  client = new LLMClient({ apiKey: 'atp_llm_key', connect: server.memory.connect })
})
afterEach(async () => {
  await client.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

type Peer = ScriptedPeer<FromLlmFrame>

const succeed = (peer: Peer, { requestId }: LlmCallFrame, result: unknown): void =>
  peer.send({ type: 'result', requestId, callId: `call of ${requestId}`, ok: true, result })

const failWith = (peer: Peer, { requestId }: LlmCallFrame, code: 'tool_error' | 'toolkit_offline', message: string) =>
  peer.send({ type: 'result', requestId, ok: false, error: { code, message, retryable: false } })

describe('making an LLMClient', () => {
  const make = (options: Partial<LLMClientOptions>) => () => new LLMClient({ apiKey: 'atp_llm_key', ...options })

  it('refuses a protocol that it does not know, and names those it does', () => {
    const odd = { protocol: 'carrier pigeon' as 'ws' }
    expect(make(odd)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(make(odd)).toThrow(/"carrier pigeon" is unknown; use "ws" or "http"/)
  })

  it.each([{ apiKey: '' }, { apiKey: 'two words' }, { baseUrl: 'here' }, { reconnectTimeoutMs: Number.NaN }])(
    'refuses %j',
    (options) => {
      expect(make(options)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    },
  )

  it('opens no connection before it is used', async () => {
    make({ connect: server.memory.connect })()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.memory.attempts).toBe(0)
  })
})

describe('getToolkitContext', () => {
  const wireContext = {
    toolkit_id: 't1',
    toolkit_name: 'demo',
    caption: 'A demo',
    instructions: 'Be kind',
    provider: 'anthropic',
    tools: [{ name: 'search', input_schema: { type: 'object' } }],
    user_prompt: 'hi',
    warnings: [{ tool: 'odd', provider: 'anthropic', code: 'unsatisfiable', message: 'Left out' }],
  }

  it('asks for a toolkit, a provider and a prompt, and returns what the server says', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo', provider: 'Anthropic', userPrompt: 'hi' })
    const peer = await server.welcome()
    const { requestId, ...asked } = await peer.next('context')
    expect(asked).toEqual({ type: 'context', toolkitId: 'demo', provider: 'anthropic', userPrompt: 'hi' })
    peer.send({ type: 'context', requestId, context: wireContext })
    await expect(asking).resolves.toEqual({
      toolkitId: 't1',
      toolkitName: 'demo',
      caption: 'A demo',
      instructions: 'Be kind',
      provider: 'anthropic',
      tools: wireContext.tools,
      userPrompt: 'hi',
      warnings: wireContext.warnings,
    })
  })

  it('asks for the tools of openai unless told otherwise', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo' })
    const peer = await server.welcome()
    const { requestId, provider, userPrompt } = await peer.next('context')
    expect([provider, userPrompt]).toEqual(['openai', ''])
    peer.send({ type: 'context', requestId, context: wireContext })
    await asking
  })

  it('rejects, and does not throw, for a provider that is unknown', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo', provider: 'parrot' })
    await expect(asking).rejects.toMatchObject({ code: 'unknown_provider' })
    expect(server.memory.attempts).toBe(0)
  })

  it('rejects with what the server says of the toolkit', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'nothing' })
    const peer = await server.welcome()
    const { requestId } = await peer.next('context')
    const error = { code: 'toolkit_not_found', message: 'There is no toolkit "nothing"', retryable: false } as const
    peer.send({ type: 'error', requestId, error })
    await expect(asking).rejects.toMatchObject(error)
  })

  it('rejects an answer that is no context', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo' })
    const peer = await server.welcome()
    const { requestId } = await peer.next('context')
    peer.send({ type: 'context', requestId, context: { toolkit_id: 't1', tools: 'many' } })
    await expect(asking).rejects.toMatchObject({
      code: 'protocol_error',
      message: expect.stringMatching(/"demo".*tools/),
    })
  })
})

describe('call', () => {
  it('names the provider whose context the name of the tool is from, and none otherwise', async () => {
    const calls = [
      client.call({ toolkitId: 'demo', tool: 'shortened_1a2b3c4d', provider: 'anthropic' }),
      client.call({ toolkitId: 'demo', tool: 'add' }),
    ]
    const peer = await server.welcome()
    const frames = [await peer.next('call'), await peer.next('call')]
    expect(frames.map(({ provider }) => provider)).toEqual(['anthropic', undefined])
    for (const { requestId } of frames) peer.send({ type: 'result', requestId, ok: true, result: 1 })
    expect(await Promise.all(calls)).toEqual([1, 1])
  })
})

describe('callTool with the calls of a provider', () => {
  const forms = [
    {
      provider: 'openai',
      toolCalls: [
        { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'one', arguments: '{"n":1}' },
        { type: 'function_call', id: 'fc_2', call_id: 'b', name: 'two', arguments: '{"n":2}' },
        { type: 'function_call', id: 'fc_3', call_id: 'c', name: 'three', arguments: '{"n":3}' },
      ],
      messages: [
        { type: 'function_call_output', call_id: 'a', output: '"1"' },
        { type: 'function_call_output', call_id: 'b', output: '"2"' },
        { type: 'function_call_output', call_id: 'c', output: '"3"' },
      ],
    },
    {
      provider: 'openai-chat',
      toolCalls: ['one', 'two', 'three'].map((name, index) => ({
        type: 'function',
        id: 'abc'[index],
        function: { name, arguments: `{"n":${index + 1}}` },
      })),
      messages: ['a', 'b', 'c'].map((id, index) => ({
        role: 'tool',
        tool_call_id: id,
        content: JSON.stringify(`${index + 1}`),
      })),
    },
    {
      provider: 'anthropic',
      toolCalls: [
        { type: 'text', text: 'Let me see' },
        { type: 'tool_use', id: 'a', name: 'one', input: { n: 1 } },
        { type: 'tool_use', id: 'b', name: 'two', input: { n: 2 } },
        { type: 'tool_use', id: 'c', name: 'three', input: { n: 3 } },
      ],
      messages: [
        {
          role: 'user',
          content: ['a', 'b', 'c'].map((id, index) => ({
            type: 'tool_result',
            tool_use_id: id,
            content: JSON.stringify(`${index + 1}`),
          })),
        },
      ],
    },
    {
      provider: 'mistralai',
      toolCalls: ['one', 'two', 'three'].map((name, index) => ({
        id: 'abc'[index],
        function: { name, arguments: { n: index + 1 } },
      })),
      messages: ['one', 'two', 'three'].map((name, index) => ({
        role: 'tool',
        name,
        content: JSON.stringify(`${index + 1}`),
        tool_call_id: 'abc'[index],
      })),
    },
  ]

  it.each(forms)('of $provider sends them together and keeps order and ids', async (form) => {
    const { provider, toolCalls, messages } = form
    const calling = client.callTool({ toolkitId: 'demo', provider, toolCalls, authToken: 'token', timeoutMs: 5_000 })
    const peer = await server.welcome()
    const frames = await peer.take(3, 'call')
    expect(frames.map(({ tool, params }) => [tool, params])).toEqual([
      ['one', { n: 1 }],
      ['two', { n: 2 }],
      ['three', { n: 3 }],
    ])
    for (const frame of frames) {
      expect(frame).toMatchObject({ toolkitId: 'demo', provider, authToken: 'token', timeoutMs: 5_000 })
    }
    // The answers come in another order than the calls.
    for (const frame of [frames[2], frames[0], frames[1]]) {
      if (frame) succeed(peer, frame, `${frame.params.n}`)
    }
    expect(JSON.parse(JSON.stringify(await calling))).toEqual(messages)
  })

  it('runs them one after the other when that is asked for', async () => {
    const toolCalls = forms[0]?.toolCalls
    const calling = client.callTool({ toolkitId: 'demo', toolCalls, sequential: true })
    const peer = await server.welcome()
    for (const [index, tool] of ['one', 'two', 'three'].entries()) {
      const frame = await peer.next('call')
      expect(frame.tool).toBe(tool)
      await vi.advanceTimersByTimeAsync(10)
      expect(peer.types).toHaveLength(index + 2)
      succeed(peer, frame, tool)
    }
    await expect(calling).resolves.toMatchObject([{ output: '"one"' }, { output: '"two"' }, { output: '"three"' }])
    expect(peer.types).toEqual(['hello', 'call', 'call', 'call'])
  })

  it('never sends a call whose arguments cannot be read; the model is told instead', async () => {
    const toolCalls = [
      { type: 'function_call', call_id: 'a', name: 'one', arguments: '{"n":' },
      { type: 'function_call', call_id: 'b', name: 'two', arguments: '{"n":2}' },
      { type: 'function_call', call_id: 'c', name: 'three', arguments: '[1]' },
    ]
    const calling = client.callTool({ toolkitId: 'demo', toolCalls })
    const peer = await server.welcome()
    const frame = await peer.next('call')
    expect(frame.tool).toBe('two')
    succeed(peer, frame, 2)
    const messages = (await calling) as { call_id: string; output: string }[]
    expect(messages.map(({ call_id }) => call_id)).toEqual(['a', 'b', 'c'])
    expect(messages.map(({ output }) => Object.keys(JSON.parse(output) as object))).toEqual([['error'], [], ['error']])
    expect(peer.types).toEqual(['hello', 'call'])
  })

  it('needs no connection when there is nothing to send', async () => {
    await expect(client.callTool({ toolkitId: 'demo', toolCalls: [] })).resolves.toEqual([])
    const unreadable = [{ type: 'function_call', call_id: 'a', name: 'one', arguments: 'no' }]
    await expect(client.callTool({ toolkitId: 'demo', toolCalls: unreadable })).resolves.toHaveLength(1)
    expect(server.memory.attempts).toBe(0)
  })

  it('turns a call that failed into a result for the model, beside those that did not', async () => {
    const calling = client.callTool({ toolkitId: 'demo', provider: 'anthropic', toolCalls: forms[2]?.toolCalls })
    const peer = await server.welcome()
    const [one, two, three] = await peer.take(3, 'call')
    if (!one || !two || !three) throw new Error('three calls expected')
    failWith(peer, one, 'tool_error', 'no such file')
    failWith(peer, two, 'toolkit_offline', 'Toolkit "demo" is not connected')
    succeed(peer, three, null)
    await expect(calling).resolves.toEqual([
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: '{"error":"no such file"}', is_error: true },
          {
            type: 'tool_result',
            tool_use_id: 'b',
            content: '{"error":"Toolkit \\"demo\\" is not connected"}',
            is_error: true,
          },
          { type: 'tool_result', tool_use_id: 'c', content: 'null' },
        ],
      },
    ])
  })

  it('fails one call that is larger than the server takes, and no other', async () => {
    const toolCalls = [
      { type: 'function_call', call_id: 'a', name: 'one', arguments: JSON.stringify({ text: 'ü'.repeat(600_000) }) },
      { type: 'function_call', call_id: 'b', name: 'two', arguments: '{}' },
    ]
    const calling = client.callTool({ toolkitId: 'demo', toolCalls })
    const peer = await server.welcome()
    succeed(peer, await peer.next('call'), 'fine')
    await expect(calling).resolves.toMatchObject([
      { call_id: 'a', output: expect.stringMatching(/error.*"one\\".*larger than 1048576 bytes/) },
      { call_id: 'b', output: '"fine"' },
    ])
  })
})

describe('callTool with jsonResponse', () => {
  it('returns the result of the one call', async () => {
    const jsonResponse = '```json\n{"function": "hello_world", "parameters": {"name": "Alice"}}\n```'
    const calling = client.callTool({ toolkitId: 'demo', jsonResponse })
    const peer = await server.welcome()
    const frame = await peer.next('call')
    expect(frame).toMatchObject({ tool: 'hello_world', params: { name: 'Alice' } })
    succeed(peer, frame, 'Hello Alice')
    await expect(calling).resolves.toEqual({ result: 'Hello Alice' })
  })

  it.each([null, 0, false, ''])('returns %j as it is', async (value) => {
    const calling = client.callTool({ toolkitId: 'demo', jsonResponse: { function: 'f', parameters: {} } })
    const peer = await server.welcome()
    succeed(peer, await peer.next('call'), value)
    await expect(calling).resolves.toEqual({ result: value })
  })

  it('returns the error of a tool as the founding form has it', async () => {
    const calling = client.callTool({ toolkitId: 'demo', jsonResponse: { function: 'f', parameters: {} } })
    const peer = await server.welcome()
    failWith(peer, await peer.next('call'), 'tool_error', 'no such file')
    await expect(calling).resolves.toEqual({ result: { error: 'no such file' } })
  })

  it.each([
    [{}, /needs toolCalls or jsonResponse/],
    [{ toolCalls: [], jsonResponse: '{}' }, /only one of them/],
    [{ jsonResponse: [] }, /must hold one call, not 0/],
    [{ jsonResponse: [{ function: 'a' }, { function: 'b' }] }, /must hold one call, not 2/],
    [{ jsonResponse: 'no JSON at all' }, /no tool call as JSON/],
    [{ toolCalls: null }, /Tool calls must be/],
    [{ toolCalls: 5 }, /Tool calls must be/],
  ])('refuses %j', async (given, message) => {
    const request = { toolkitId: 'demo', ...given } as { toolkitId: string; toolCalls: unknown }
    await expect(client.callTool(request)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    })
    expect(server.memory.attempts).toBe(0)
  })
})

describe('timeoutMs', () => {
  it('travels with the call, ten minutes at most', async () => {
    const calls = [undefined, 1, 5_000, 600_000, 3_600_000, Number.POSITIVE_INFINITY]
    const calling = calls.map((timeoutMs) =>
      client.call({ toolkitId: 'demo', tool: 'f', ...(timeoutMs !== undefined && { timeoutMs }) }),
    )
    const peer = await server.welcome()
    const frames = await peer.take(calls.length, 'call')
    expect(frames.map(({ timeoutMs }) => timeoutMs)).toEqual([undefined, 1, 5_000, 600_000, 600_000, 600_000])
    for (const frame of frames) succeed(peer, frame, 1)
    await Promise.all(calling)
  })

  it.each([0, -1, Number.NaN, '5' as unknown as number])('is refused when it is %j', async (timeoutMs) => {
    await expect(client.call({ toolkitId: 'demo', tool: 'f', timeoutMs })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(client.callTool({ toolkitId: 'demo', toolCalls: [], timeoutMs })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(server.memory.attempts).toBe(0)
  })
})
