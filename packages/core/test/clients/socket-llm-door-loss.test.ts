import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LLMClient } from '../../src/clients/llm-client.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { FromLlmFrame } from '../../src/protocol/frames.ts'
import { answerNext, connectByCall, makeClient } from './llm-support.ts'
import { llmServer, type ScriptedServer } from './scripted-server.ts'

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
const call = (tool: string) => client.call({ toolkitId: 'demo', tool })

describe('a lost connection', () => {
  it('rejects the calls under way at once', async () => {
    const peer = await connected()
    const outcomes = Promise.allSettled([call('one'), call('two'), client.getToolkitContext({ toolkitId: 'demo' })])
    await peer.take(2, 'call')
    peer.raw.close(1012, 'the server restarts')
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'connection_closed' } })
    }
    expect(server.memory.attempts).toBe(1)
  })

  it('throws from callTool, as no model could help', async () => {
    const peer = await connected()
    const toolCalls = [{ type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }]
    const calling = client.callTool({ toolkitId: 'demo', toolCalls })
    await peer.next('call')
    peer.raw.terminate()
    await expect(calling).rejects.toMatchObject({ code: 'connection_closed' })
  })

  it('is waited for by the next call, also by one that is made in the turn of the loss', async () => {
    const peer = await connected()
    const retried = call('one').catch(() => call('two'))
    await peer.next('call')
    peer.raw.terminate()
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    const second = await server.welcome()
    const frame = await second.next('call')
    expect(frame.tool).toBe('two')
    second.send({ type: 'result', requestId: frame.requestId, ok: true, result: 'there' })
    await expect(retried).resolves.toBe('there')
  })

  it('never leaves a call waiting that was made in the turn of the loss', async () => {
    const { signal } = new AbortController()
    vi.spyOn(signal, 'removeEventListener').mockImplementationOnce(() => void client.close())
    const failed = expect(client.call({ toolkitId: 'demo', tool: 'one', signal })).rejects.toMatchObject({
      code: 'connection_closed',
    })
    const peer = await server.welcome()
    await failed
    expect(peer.types).toEqual(['hello'])
  })

  it('is waited for no longer than the client is willing to', async () => {
    client = makeClient(server, { reconnectTimeoutMs: 3_000 })
    const peer = await connected()
    server.memory.refuse = () => new AtpError('connection_failed', 'nobody')
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(10)
    const failed = expect(call('one')).rejects.toMatchObject({
      code: 'connection_failed',
      message: expect.stringContaining('within 3000 ms'),
    })
    await vi.advanceTimersByTimeAsync(3_000)
    await failed
  })

  it('is mended within the patience of a call, however long the server was away', async () => {
    const peer = await connected()
    server.memory.refuse = () => new AtpError('connection_failed', 'nobody')
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(3_600_000)
    server.memory.refuse = () => undefined
    for (let turn = 0; turn < 3; turn += 1) {
      const calling = call('one')
      const accepted = server.welcome()
      await vi.advanceTimersByTimeAsync(9_000)
      const next = await accepted
      await answerNext(next, turn)
      await expect(calling).resolves.toBe(turn)
      next.raw.terminate()
      await vi.advanceTimersByTimeAsync(10)
    }
  })

  it.each([4401, 4403] as const)(
    'that means a refused key (%i) rejects with that, and ends the attempts',
    async (code) => {
      const peer = await connected()
      const calling = call('one')
      await peer.next('call')
      peer.raw.close(code, 'the key was revoked')
      const expected = { code: code === 4401 ? 'unauthorized' : 'forbidden' }
      await expect(calling).rejects.toMatchObject(expected)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(server.memory.attempts).toBe(1)
      server.memory.refuse = () => new AtpError('unauthorized', 'still revoked')
      await expect(call('two')).rejects.toMatchObject({ message: 'still revoked' })
    },
  )
})

describe('a first connection that fails', () => {
  it.each(['unauthorized', 'forbidden', 'connection_failed', 'rate_limited'] as const)(
    'rejects the call with %s at once, and the next call tries again',
    async (code) => {
      server.memory.refuse = () => new AtpError(code, 'as the server says')
      await expect(call('one')).rejects.toMatchObject({ code, message: 'as the server says' })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(server.memory.attempts).toBe(1)
      server.memory.refuse = () => undefined
      const calling = call('two')
      await answerNext(await server.welcome(), 2)
      await expect(calling).resolves.toBe(2)
    },
  )

  it('leaves no rejection unhandled when the call gave up before it', async () => {
    client = makeClient(server, { reconnectTimeoutMs: 1_000 })
    server.memory.hang = true
    const failed = expect(call('one')).rejects.toMatchObject({ code: 'connection_failed' })
    await vi.advanceTimersByTimeAsync(1_000)
    await failed
    await vi.advanceTimersByTimeAsync(10_000)
  })
})

describe('closing the client', () => {
  it('rejects the calls under way and closes the connection', async () => {
    const peer = await connected()
    const failed = expect(call('one')).rejects.toMatchObject({ code: 'client_stopped' })
    await peer.next('call')
    await client.close()
    await failed
    await expect(peer.closed).resolves.toMatchObject({ code: 1000 })
  })

  it('rejects calls that wait for a connection', async () => {
    server.memory.hang = true
    const failed = expect(call('one')).rejects.toMatchObject({ code: 'client_stopped' })
    await server.memory.unanswered.next()
    await client.close()
    await failed
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is idempotent, and happens at the end of an await using block', async () => {
    {
      await using scoped = client
      expect(scoped).toBe(client)
      await connected()
    }
    await client.close()
    await client.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('lets the next call connect again, which the old connection cannot disturb', async () => {
    const first = await connected()
    first.raw.mute()
    await client.close()
    const calling = call('again')
    const second = await server.welcome()
    const { requestId } = await second.next('call')
    first.raw.terminate()
    first.raw.close(4401, 'late news')
    await vi.advanceTimersByTimeAsync(5_000)
    second.send({ type: 'result', requestId, ok: true, result: 'fine' })
    await expect(calling).resolves.toBe('fine')
  })
})
