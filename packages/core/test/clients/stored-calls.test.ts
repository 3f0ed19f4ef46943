import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient } from '../../src/clients/llm-client.ts'
import { type EventServer, startEventServer } from './event-server.ts'

let server: EventServer
let client: LLMClient

beforeEach(async () => {
  server = await startEventServer()
  // Calls are asked for over HTTP, however they are made.
  client = new LLMClient({ apiKey: 'atp_llm_key', baseUrl: server.baseUrl, backoff: { baseMs: 1 } })
})
afterEach(async () => {
  vi.useRealTimers()
  await client.close()
  await server.stop()
})

const wire = (more: object = {}) => ({
  call_id: 'c1',
  toolkit_id: 't1',
  toolkit: 'demo',
  tool: 'count',
  status: 'succeeded',
  ok: true,
  result: { n: 3 },
  started_at: 1_790_000_000_000,
  ended_at: 1_790_000_001_000,
  ...more,
})
const running = wire({ status: 'running', ok: undefined, result: undefined, ended_at: undefined })
const failed = (status: string, code: string) => {
  const error = { code, message: 'as it ended', retryable: false, details: { n: 1 } }
  return wire({ status, ok: false, result: undefined, error })
}

describe('getCall', () => {
  it('asks for a call with the key of the client', async () => {
    const asking = client.getCall('c 1/2')
    const { method, path, headers, json } = await server.asked.next()
    expect([method, path, headers.authorization]).toEqual(['GET', '/api/v2/llm/calls/c%201%2F2', 'Bearer atp_llm_key'])
    json(200, wire())
    expect(await asking).toEqual({
      callId: 'c1',
      toolkitId: 't1',
      toolkit: 'demo',
      tool: 'count',
      status: 'succeeded',
      result: { n: 3 },
      startedAt: new Date(1_790_000_000_000),
      endedAt: new Date(1_790_000_001_000),
    })
  })

  it('tells where a call is that has not ended', async () => {
    const asking = client.getCall('c1')
    ;(await server.asked.next()).json(200, running)
    const state = await asking
    expect(state).toMatchObject({ status: 'running', endedAt: undefined })
    expect(state).not.toHaveProperty('result')
    expect(state).not.toHaveProperty('error')
  })

  it.each(['failed', 'timed_out', 'cancelled', 'delivery_failed', 'outcome_unknown'])(
    'tells why a call %s, and does not throw it',
    async (status) => {
      const asking = client.getCall('c1')
      ;(await server.asked.next()).json(200, failed(status, 'busy'))
      const error = { code: 'busy', message: 'as it ended', retryable: false, details: { n: 1 } }
      expect(await asking).toMatchObject({ status, error })
    },
  )

  it.each([
    ['failed', 'tool_error'],
    ['timed_out', 'deadline_exceeded'],
    ['cancelled', 'cancelled'],
    ['delivery_failed', 'delivery_failed'],
    ['outcome_unknown', 'outcome_unknown'],
  ])('makes the error of a call that %s without one', async (status, code) => {
    const asking = client.getCall('c1')
    ;(await server.asked.next()).json(200, { ...wire(), status, result: undefined })
    expect(await asking).toMatchObject({ status, error: { code } })
  })

  it('throws for a call that is not there, for one without an id, and for an answer that is none', async () => {
    const missing = client.getCall('c1')
    ;(await server.asked.next()).json(404, { status: 404, code: 'not_found', detail: 'There is no call "c1"' })
    await expect(missing).rejects.toMatchObject({ code: 'not_found', message: 'There is no call "c1"' })
    for (const id of ['', '..', 5 as unknown as string]) {
      await expect(client.getCall(id)).rejects.toMatchObject({ code: 'invalid_request' })
    }
    for (const body of [{}, wire({ status: 'odd' }), wire({ started_at: 'yesterday' })]) {
      const asking = client.getCall('c1')
      ;(await server.asked.next()).json(200, body)
      await expect(asking).rejects.toMatchObject({ code: 'protocol_error' })
    }
  })

  it('is ended by its signal', async () => {
    const abort = new AbortController()
    const asking = client.getCall('c1', { signal: abort.signal })
    const { gone } = await server.asked.next()
    abort.abort()
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' })
    await gone
  })
})

describe('waitForCall', () => {
  it('asks until the call ends, and returns its result', async () => {
    const waiting = client.waitForCall('c1')
    for (let index = 0; index < 3; index += 1) {
      const { path, json } = await server.asked.next()
      expect(path).toBe('/api/v2/llm/calls/c1?wait_ms=25000')
      json(200, running)
    }
    ;(await server.asked.next()).json(200, wire({ result: null }))
    expect(await waiting).toBeNull()
  })

  it('throws what the call failed with', async () => {
    const waiting = client.waitForCall('c1')
    ;(await server.asked.next()).json(200, failed('failed', 'tool_error'))
    await expect(waiting).rejects.toMatchObject({ code: 'tool_error', message: 'as it ended', details: { n: 1 } })
  })

  it('rides out a server that is away for a moment', async () => {
    const waiting = client.waitForCall('c1')
    ;(await server.asked.next()).cut()
    ;(await server.asked.next()).json(503, { error: 'The server restarts', code: 'server_shutting_down' })
    ;(await server.asked.next()).json(502, 'Bad Gateway')
    ;(await server.asked.next()).json(200, wire())
    expect(await waiting).toEqual({ n: 3 })
  })

  it('throws at once what no waiting mends', async () => {
    for (const [status, code] of [
      [404, 'not_found'],
      [401, 'unauthorized'],
    ] as const) {
      const waiting = client.waitForCall('c1')
      ;(await server.asked.next()).json(status, { error: 'no', code })
      await expect(waiting).rejects.toMatchObject({ code })
    }
  })

  it('waits no longer than it is told to', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const waiting = client.waitForCall('c1', { timeoutMs: 40_000 })
    for (const [waitMs, tookMs] of [
      [25_000, 30_000],
      [10_000, 10_000],
    ] as const) {
      const { path, json } = await server.asked.next()
      expect(path).toBe(`/api/v2/llm/calls/c1?wait_ms=${waitMs}`)
      vi.advanceTimersByTime(tookMs)
      json(200, running)
    }
    await expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('c1') })
    for (const timeoutMs of [0, -1, Number.NaN]) {
      await expect(client.waitForCall('c1', { timeoutMs })).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })

  it('pauses longer and longer where the server does not hold the question', async () => {
    await client.close()
    const pauses: number[] = []
    const backoff = { baseMs: 1, random: () => pauses.push(0) && 1 }
    client = new LLMClient({ apiKey: 'atp_llm_key', baseUrl: server.baseUrl, backoff })
    const waiting = client.waitForCall('c1')
    const delays = vi.spyOn(globalThis, 'setTimeout')
    for (let index = 0; index < 5; index += 1) (await server.asked.next()).json(200, running)
    ;(await server.asked.next()).json(200, wire())
    await waiting
    expect(pauses).toHaveLength(5)
    const waits = delays.mock.calls.map(([, delayMs]) => delayMs)
    delays.mockRestore()
    expect(waits).toEqual(expect.arrayContaining([1, 2, 4, 8, 16]))
  })

  it('asks again where an answer does not come, and says in the end that it could not reach the server', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const times: AbortController[] = []
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const time = new AbortController()
      times.push(time)
      return time.signal
    })
    try {
      const waiting = client.waitForCall('c1')
      const { gone } = await server.asked.next()
      vi.advanceTimersByTime(35_000)
      times[0]?.abort()
      await gone
      await server.asked.next()
      vi.advanceTimersByTime(35_000)
      times[1]?.abort()
      await expect(waiting).rejects.toMatchObject({
        code: 'connection_failed',
        message: expect.stringContaining('did not answer within 35000 ms'),
      })
    } finally {
      timeout.mockRestore()
    }
  })

  it('is ended by its signal and by the end of the client; the call goes on', async () => {
    const abort = new AbortController()
    const waiting = client.waitForCall('c1', { signal: abort.signal })
    await server.asked.next()
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    const other = client.waitForCall('c1')
    await server.asked.next()
    const failed = expect(other).rejects.toMatchObject({ code: 'client_stopped' })
    await client.close()
    await failed
    expect(server.asked.all.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })
})
