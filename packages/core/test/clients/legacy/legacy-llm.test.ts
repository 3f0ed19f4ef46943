import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient, type LLMClientOptions } from '../../../src/clients/llm-client.ts'
import { AtpError } from '../../../src/errors/atp-error.ts'
import type { TestPeer } from '../../transport/test-peer.ts'
import { type FoundingMemory, foundingMemory, nextMessage, oddKey, tell } from './founding-peers.ts'

let server: FoundingMemory
let client: LLMClient
let logged: unknown[]

beforeEach(() => {
  vi.useFakeTimers()
  server = foundingMemory()
  logged = []
  client = make()
})
afterEach(async () => {
  await client.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  const text = JSON.stringify(logged)
  for (const form of [oddKey, encodeURIComponent(oddKey)]) expect(text).not.toContain(form)
})

function make(options: Partial<LLMClientOptions> = {}): LLMClient {
  const log = (event: string, fields?: object): void => void logged.push([event, fields])
  const logger = { debug: log, info: log, warn: log, error: log }
  return new LLMClient({ apiKey: oddKey, baseUrl: 'http://server', connect: server.connect, logger, ...options })
}

/** The far end of the next connection, after auth. */
async function greet(): Promise<TestPeer> {
  const peer = await server.memory.accepted.next()
  expect(await nextMessage(peer)).toEqual({ type: 'auth', api_key: oddKey })
  tell(peer, { type: 'auth_response', success: true })
  return peer
}

const call = (more: object = {}) => client.call({ toolkitId: 'math', tool: 'add', params: { a: 1 }, ...more })

const answer = (peer: TestPeer, request: Record<string, unknown>, more: object): void =>
  tell(peer, { type: 'task_response', request_id: request.request_id, status: 'success', ...more })

describe('an LLM client on the founding socket', () => {
  it('says auth first, with its key escaped in the address', async () => {
    const calling = call({ authToken: 't', timeoutMs: 5_000, provider: 'openai-chat' })
    const peer = await greet()
    expect(server.paths).toEqual(['/ws/v2/llm', `/ws/v1/atp/llm-client/${encodeURIComponent(oddKey)}/`])
    const request = await nextMessage(peer)
    expect(request).toEqual({
      type: 'task_request',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      toolkit_id: 'math',
      payload: { function: 'add', parameters: { a: 1 }, auth_token: 't' },
      auth_token: 't',
      user_prompt: '',
      provider: 'openai',
      timeout_ms: 5_000,
    })
    answer(peer, request, { result: { tool: { name: 'add', result: 0 } } })
    await expect(calling).resolves.toBe(0)
  })

  it('reads what each generation answers', async () => {
    const outcome = async (more: object): Promise<unknown> => {
      const calling = call().catch((error: Error) => error)
      answer(peer, await nextMessage(peer), more)
      return calling
    }
    const first = call()
    const peer = await greet()
    answer(peer, await nextMessage(peer), { payload: { result: 'of generation 1' } })
    await expect(first).resolves.toBe('of generation 1')
    expect(await outcome({ result: { tool: { result: { error: 'no file' } } } })).toMatchObject({
      code: 'tool_error',
      message: 'no file',
    })
    expect(await outcome({ status: 'error', message: 'offline' })).toMatchObject({ message: 'offline' })
    expect(await outcome({})).toMatchObject({ code: 'protocol_error' })
    expect(await outcome({ result: { tool: {} } })).toBeNull()
  })

  it('passes over what it cannot read, what it does not know and what nobody waits for', async () => {
    const calling = call()
    const peer = await greet()
    const request = await nextMessage(peer)
    for (const text of ['{', '[]', '"text"', '{"type":"error"}', '{"type":"task_response","request_id":"other"}']) {
      peer.send(text)
    }
    answer(peer, request, { result: { tool: { result: 1 } } })
    await expect(calling).resolves.toBe(1)
  })

  it('takes an unknown toolkit for what it is, and odd contexts for unreadable', async () => {
    const ask = () => client.getToolkitContext({ toolkitId: 'nothing' }).catch((error: Error) => error)
    const context = (peer: TestPeer, request: Record<string, unknown>, payload: unknown): void =>
      tell(peer, { type: 'toolkit_context', request_id: request.request_id, payload })
    const first = ask()
    const peer = await greet()
    const request = await nextMessage(peer)
    expect(request).toMatchObject({ type: 'get_toolkit_context', provider: 'openai', toolkit_id: 'nothing' })
    context(peer, request, { error: 'There is none', tools: [] })
    expect(await first).toMatchObject({ code: 'toolkit_not_found', message: 'There is none' })
    const odd = ask()
    context(peer, await nextMessage(peer), { tools: 5 })
    expect(await odd).toMatchObject({ code: 'protocol_error' })
    const good = ask()
    context(peer, await nextMessage(peer), { toolkit_id: 't1', tools: [{ type: 'function', name: 'f' }] })
    expect(await good).toMatchObject({ toolkitId: 't1', provider: 'openai', tools: [{ name: 'f', strict: false }] })
    const strict = client.getToolkitContext({ toolkitId: 'math', provider: 'openai-chat-strict' })
    const question = await nextMessage(peer)
    expect(question.provider).toBe('openai')
    context(peer, question, { toolkit_id: 't1', tools: [{ type: 'function', name: 'f' }] })
    expect(await strict).toMatchObject({
      provider: 'openai-chat-strict',
      tools: [{ type: 'function', function: { name: 'f' } }],
      warnings: [{ tool: 'f', provider: 'openai-chat-strict', code: 'not_strict' }],
    })
  })

  it('yields just the result of a call that is streamed', async () => {
    const parts = client.callStreaming({ toolkitId: 'math', tool: 'add' })
    const first = parts.next()
    const peer = await greet()
    const request = await nextMessage(peer)
    answer(peer, request, { result: { tool: { result: 3 } } })
    expect(await first).toEqual({ done: false, value: { type: 'result', tool: 'add', result: 3 } })
    expect(await parts.next()).toEqual({ done: true, value: undefined })
  })

  it('sends no call that the wire has no words for', async () => {
    const first = call()
    const peer = await greet()
    answer(peer, await nextMessage(peer), { result: { tool: { result: 1 } } })
    await first
    const refused = async (more: object): Promise<unknown> => call(more).catch((error: Error) => error)
    expect(await refused({ detach: true })).toMatchObject({
      code: 'unsupported',
      message: 'The server cannot store calls: leave out detach',
    })
    expect(await refused({ idempotencyKey: 'k' })).toMatchObject({
      code: 'unsupported',
      message: 'The server cannot keep idempotency keys: leave out idempotencyKey',
    })
    await expect(client.openApp({ toolkitId: 'hello_world', app: 'f' })).rejects.toMatchObject({
      code: 'unsupported',
      message: 'The server cannot keep sessions of apps',
    })
    const next = call({ externalUserId: 'ada' })
    const request = await nextMessage(peer)
    answer(peer, request, { result: { tool: { result: 2 } } })
    await expect(next).resolves.toBe(2)
  })

  it('is refused in words, which never repeat the key', async () => {
    const calling = call().catch((error: Error) => error)
    const peer = await server.memory.accepted.next()
    await nextMessage(peer)
    tell(peer, { type: 'auth_response', success: false, error: `Key ${oddKey} is unknown` })
    expect(await calling).toMatchObject({ code: 'unauthorized', message: 'Key KEY is unknown' })
    await peer.closed
  })

  it('is refused in the handshake without a word of the key', async () => {
    server.refuse = (path) =>
      new AtpError(path.includes('v2') ? 'connection_failed' : 'unauthorized', `${path} refused`, {
        details: { status: path.includes('v2') ? 404 : 401 },
      })
    const error = (await call().catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ code: 'unauthorized', message: '/ws/v1/atp/llm-client/KEY/ refused' })
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('odd')
  })

  it('drops the result of a call that was cancelled', async () => {
    const abort = new AbortController()
    const calling = call({ signal: abort.signal }).catch((error: Error) => error)
    const peer = await greet()
    const request = await nextMessage(peer)
    abort.abort('the user left')
    expect(await calling).toMatchObject({ code: 'cancelled' })
    answer(peer, request, { result: { tool: { result: 'late' } } })
    const next = call()
    const second = await nextMessage(peer)
    answer(peer, second, { result: { tool: { result: 'in time' } } })
    await expect(next).resolves.toBe('in time')
  })

  it('fails what is under way when the socket drops, and connects again without asking for protocol 2', async () => {
    const calling = call().catch((error: Error) => error)
    const peer = await greet()
    await nextMessage(peer)
    peer.terminate()
    expect(await calling).toMatchObject({ code: 'connection_closed' })
    const next = call()
    await vi.advanceTimersByTimeAsync(5_000)
    const second = await greet()
    answer(second, await nextMessage(second), { result: { tool: { result: 2 } } })
    await expect(next).resolves.toBe(2)
    expect(server.paths.filter((path) => path.includes('v2'))).toHaveLength(1)
  })

  it('pings, and gives a server up that does not answer', async () => {
    const calling = call()
    const peer = await greet()
    answer(peer, await nextMessage(peer), { result: { tool: { result: 1 } } })
    await calling
    await vi.advanceTimersByTimeAsync(300_000)
    expect(server.pings).toBe(10)
    expect(server.memory.attempts).toBe(1)
    server.pongs = false
    await vi.advanceTimersByTimeAsync(120_000)
    await peer.closed
  })
})
