import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LLMClient } from '../../src/clients/llm-client.ts'
import type { FromLlmFrame } from '../../src/protocol/frames.ts'
import { answerNext, connectByCall, makeClient } from './llm-support.ts'
import { llmServer, type ScriptedServer, welcomeFrame } from './scripted-server.ts'

let server: ScriptedServer<FromLlmFrame>
let client: LLMClient

beforeEach(() => {
  vi.useFakeTimers()
  server = llmServer()
  client = makeClient(server)
})
afterEach(async () => {
  await client.close()
  await vi.advanceTimersByTimeAsync(0)
  // Whatever a test did: a closed client leaves nothing behind.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const connected = () => connectByCall(client, server)

const call = (
  tool: string,
  more: { signal?: AbortSignal; timeoutMs?: number; params?: Record<string, unknown> } = {},
) => client.call({ toolkitId: 'demo', tool, ...more })

const deepParams = (): Record<string, unknown> => {
  const params: Record<string, unknown> = {}
  params.self = params
  return params
}

describe('calls over a socket', () => {
  it('go over one connection to the LLM address of the server', async () => {
    const urls: string[] = []
    client = makeClient(server, {
      baseUrl: 'https://atp.example.com/proxy',
      connect: (options) => {
        urls.push(options.url)
        return server.memory.connect(options)
      },
    })
    const calling = [call('a'), call('b')]
    const peer = await server.welcome()
    await answerNext(peer, 1)
    await answerNext(peer, 2)
    await expect(Promise.all(calling)).resolves.toEqual([1, 2])
    expect(urls).toEqual(['wss://atp.example.com/proxy/ws/v2/llm'])
    expect(peer.hello?.appName).toBeUndefined()
  })

  it('have ids of their own, also over a new connection', async () => {
    const first = await connected()
    first.raw.terminate()
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    const calling = call('again')
    const second = await server.welcome()
    const frame = await second.next('call')
    expect(frame.requestId).toBe('q2')
    second.send({ type: 'result', requestId: frame.requestId, ok: true, result: 1 })
    await calling
  })

  it('ignore answers that nobody waits for, twice given or of no meaning here', async () => {
    const peer = await connected()
    const calling = call('one')
    const { requestId } = await peer.next('call')
    peer.send({ type: 'result', requestId: 'unknown', ok: true, result: 1 })
    peer.send({ type: 'ack', requestId })
    peer.send({ type: 'progress', requestId, progress: 0.5 })
    peer.send({ type: 'chunk', requestId, sequence: 0, data: 1 })
    peer.send({ type: 'drain', deadlineMs: 1_000 })
    peer.send({ type: 'error', error: { code: 'busy', message: 'of no request', retryable: true } })
    peer.send({ type: 'result', requestId, ok: true, result: 'first' })
    peer.send({ type: 'result', requestId, ok: true, result: 'second' })
    await expect(calling).resolves.toBe('first')
  })

  it('are rejected with what they failed with', async () => {
    const peer = await connected()
    const calling = call('one')
    const { requestId } = await peer.next('call')
    const error = { code: 'busy', message: 'later', retryable: true, details: { waitMs: 5 } } as const
    peer.send({ type: 'result', requestId, ok: false, error })
    await expect(calling).rejects.toMatchObject(error)
  })

  it('are rejected when their answer cannot be read', async () => {
    const peer = await connected()
    const calling = call('one')
    const { requestId } = await peer.next('call')
    peer.raw.send(JSON.stringify({ type: 'result', request_id: requestId, ok: 'maybe' }))
    await expect(calling).rejects.toMatchObject({ code: 'protocol_error' })
  })

  it('whose arguments are not JSON are rejected before anything is sent, and leave nothing behind', async () => {
    const peer = await connected()
    for (const params of [{ n: 1n }, deepParams()]) {
      await expect(call('one', { params })).rejects.toMatchObject({
        code: 'invalid_params',
        message: expect.stringContaining('Tool "one"'),
      })
    }
    expect(peer.types).toEqual(['hello', 'call'])
    // Nothing may expire ten minutes later, unhandled.
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBe(1)
  })

  it('larger than the server takes are rejected before they cost the connection', async () => {
    const calling = call('one', { params: { text: 'x'.repeat(2_000) } })
    const failed = expect(calling).rejects.toMatchObject({ code: 'payload_too_large', retryable: false })
    const peer = await server.welcome({ limits: { ...welcomeFrame().limits, maxFrameBytes: 1_024 } })
    await failed
    expect(peer.types).toEqual(['hello'])
  })

  it('are given up five seconds after a deadline that the server should have kept', async () => {
    const peer = await connected()
    const calling = call('one', { timeoutMs: 2_000 })
    await peer.next('call')
    const failed = expect(calling).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('Tool "one"'),
    })
    await vi.advanceTimersByTimeAsync(6_999)
    peer.send({ type: 'drain', deadlineMs: 1 })
    await vi.advanceTimersByTimeAsync(501)
    await failed
  })
})

describe('the signal of a call', () => {
  it('cancels it at once, here and there', async () => {
    const peer = await connected()
    const abort = new AbortController()
    const calling = call('one', { signal: abort.signal })
    const { requestId } = await peer.next('call')
    abort.abort('the user left')
    await expect(calling).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining('the user left'),
    })
    await expect(peer.next('cancel')).resolves.toEqual({ type: 'cancel', requestId, reason: 'the user left' })
    peer.send({ type: 'result', requestId, ok: true, result: 'late' })
    const next = call('two')
    await answerNext(peer, 2)
    await expect(next).resolves.toBe(2)
  })

  it('does not matter once the call is done', async () => {
    const peer = await connected()
    const abort = new AbortController()
    const calling = call('one', { signal: abort.signal })
    await answerNext(peer, 1)
    await calling
    abort.abort()
    await vi.advanceTimersByTimeAsync(10)
    expect(peer.types).toEqual(['hello', 'call', 'call'])
  })

  it('rejects a call at once that was aborted before', async () => {
    await expect(call('one', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    expect(server.memory.attempts).toBe(0)
  })

  it('ends the waiting for a connection', async () => {
    server.memory.hang = true
    const abort = new AbortController()
    const calling = call('one', { signal: abort.signal })
    const other = call('two')
    await server.memory.unanswered.next()
    abort.abort()
    await expect(calling).rejects.toMatchObject({ code: 'cancelled' })
    const failed = expect(other).rejects.toMatchObject({ code: 'connection_failed' })
    await vi.advanceTimersByTimeAsync(10_000)
    await failed
  })

  it('cancels a call in the very turn that brought the connection', async () => {
    const abort = new AbortController()
    // The last thing that is done with the signal before the call would be sent.
    vi.spyOn(abort.signal, 'removeEventListener').mockImplementationOnce(() => abort.abort())
    const failed = expect(call('one', { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' })
    const peer = await server.welcome()
    await failed
    expect(peer.types).toEqual(['hello'])
  })

  it('rejects all calls of a callTool', async () => {
    const peer = await connected()
    const abort = new AbortController()
    const toolCalls = ['a', 'b'].map((call_id) => ({ type: 'function_call', call_id, name: 'f', arguments: '{}' }))
    const calling = client.callTool({ toolkitId: 'demo', toolCalls, signal: abort.signal })
    await peer.take(2, 'call')
    abort.abort()
    await expect(calling).rejects.toMatchObject({ code: 'cancelled' })
    await peer.take(2, 'cancel')
  })
})
