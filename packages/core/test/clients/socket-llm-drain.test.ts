import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LLMClient } from '../../src/clients/llm-client.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { FromLlmFrame } from '../../src/protocol/frames.ts'
import { answerNext, connectByCall, type LlmPeer, makeClient } from './llm-support.ts'
import { llmServer, type ScriptedServer } from './scripted-server.ts'

let server: ScriptedServer<FromLlmFrame>
let client: LLMClient
let old: LlmPeer

beforeEach(async () => {
  vi.useFakeTimers()
  server = llmServer()
  client = makeClient(server)
  old = await connectByCall(client, server)
})
afterEach(async () => {
  await client.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const call = (tool: string, more: object = {}) => client.call({ toolkitId: 'demo', tool, ...more })

/** The next connection, opened soon after the server drained the old one. */
async function moved(): Promise<LlmPeer> {
  await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
  return server.welcome()
}

describe('a server that drains a connection', () => {
  it('gets new calls over a new one, and still answers on the old one what was asked there', async () => {
    const first = call('first')
    const { requestId } = await old.next('call')
    old.send({ type: 'drain', deadlineMs: 20_000 })
    await vi.advanceTimersByTimeAsync(0)
    const second = call('second')
    const next = await moved()
    await answerNext(next, 2)
    expect(await second).toBe(2)
    old.send({ type: 'result', requestId, ok: true, result: 1 })
    expect(await first).toBe(1)
    expect(await old.closed).toMatchObject({ code: 1000 })
    expect([...old.types, ...next.types]).toEqual(['hello', 'call', 'call', 'hello', 'call'])
  })

  it('still sends the parts of a stream on the old one, and is told there that it is not wanted any more', async () => {
    const stream = client.callStreaming({ toolkitId: 'demo', tool: 'first' })
    const part = stream.next()
    const { requestId } = await old.next('call')
    old.send({ type: 'drain', deadlineMs: 20_000 })
    await moved()
    old.send({ type: 'chunk', requestId, sequence: 0, data: 1 })
    expect(await part).toMatchObject({ value: { type: 'chunk', data: 1 } })
    await stream.return?.()
    expect(await old.next('cancel')).toMatchObject({ requestId })
    await old.closed
  })

  it('sees a connection closed at once on which nothing waits', async () => {
    old.send({ type: 'drain', deadlineMs: 20_000 })
    expect(await old.closed).toMatchObject({ code: 1000 })
    const calling = call('next')
    await answerNext(await moved(), 1)
    expect(await calling).toBe(1)
  })

  it('may close the old one under its calls', async () => {
    const failed = expect(call('first')).rejects.toMatchObject({ code: 'connection_closed' })
    await old.next('call')
    old.send({ type: 'drain', deadlineMs: 20_000 })
    const next = await moved()
    old.raw.close(1012, 'the server restarts')
    await failed
    const calling = call('second')
    await answerNext(next, 2)
    expect(await calling).toBe(2)
  })

  it('that never closes the old one does not hold its calls longer than it said', async () => {
    const failed = expect(call('first')).rejects.toMatchObject({ code: 'connection_closed' })
    await old.next('call')
    old.send({ type: 'drain', deadlineMs: 2_000 })
    await moved()
    await vi.advanceTimersByTimeAsync(10_000)
    await failed
  })

  it('ends the calls on the old one, too, when the client is closed', async () => {
    const failed = expect(call('first')).rejects.toMatchObject({ code: 'client_stopped' })
    await old.next('call')
    old.send({ type: 'drain', deadlineMs: 20_000 })
    const next = await moved()
    await client.close()
    await failed
    await old.closed
    await next.closed
  })

  it('ends the calls on the old one when the key is refused meanwhile', async () => {
    const failed = expect(call('first')).rejects.toMatchObject({ code: 'connection_closed' })
    await old.next('call')
    server.memory.refuse = () => new AtpError('unauthorized', 'revoked')
    old.send({ type: 'drain', deadlineMs: 20_000 })
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    await failed
    await old.closed
  })

  it('may say so with the welcome', async () => {
    await client.close()
    const calling = call('first')
    const second = await server.connection()
    await second.next('hello')
    second.raw.send(
      JSON.stringify({
        type: 'welcome',
        protocol: 2,
        limits: { max_frame_bytes: 1_000_000, max_result_bytes: 1_000_000, max_in_flight: 10 },
        heartbeat_ms: 25_000,
      }),
    )
    second.send({ type: 'drain', deadlineMs: 1_000 })
    await second.closed
    const failed = expect(calling).rejects.toMatchObject({ code: 'connection_closed' })
    await failed
  })
})
