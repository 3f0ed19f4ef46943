import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Patience, type PatienceOptions } from '../../src/clients/patience.ts'
import { AtpError, type AtpErrorOptions } from '../../src/errors/atp-error.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const failure = (code: ErrorCode = 'connection_failed', more: AtpErrorOptions = {}) => new AtpError(code, 'lost', more)

function make(options: Partial<PatienceOptions> = {}): Patience {
  const { signal } = new AbortController()
  return new Patience({ backoff: { random: () => 1 }, closed: signal, deadline: 600_000, ...options })
}

describe('patience with a server that is out of reach', () => {
  it('grows with each attempt, and ends after 30 seconds', async () => {
    const patience = make()
    const delays: number[] = []
    for (;;) {
      const from = performance.now()
      let waited = true
      const waiting = patience.wait(failure()).catch(() => {
        waited = false
      })
      await vi.runAllTimersAsync()
      await waiting
      if (!waited) break
      delays.push(performance.now() - from)
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000])
  })

  it('begins anew when the server answered', async () => {
    const patience = make()
    for (let index = 0; index < 20; index += 1) {
      const waiting = patience.wait(failure())
      await vi.advanceTimersByTimeAsync(500)
      await waiting
      await vi.advanceTimersByTimeAsync(20_000)
      patience.reached()
    }
  })

  it('ends with the deadline', async () => {
    const patience = make({ deadline: performance.now() + 1_200 })
    const waiting = patience.wait(failure())
    await vi.advanceTimersByTimeAsync(500)
    await waiting
    await expect(patience.wait(failure())).rejects.toMatchObject({ code: 'connection_failed' })
  })

  it('waits as long as the server asks for', async () => {
    let over = false
    const limited = failure('rate_limited', { details: { retryAfterMs: 7_000 } })
    const waiting = make()
      .wait(limited)
      .then(() => {
        over = true
      })
    await vi.advanceTimersByTimeAsync(7_499)
    expect(over).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await waiting
  })

  it.each(['unauthorized', 'gone', 'deadline_exceeded', 'tool_error', 'protocol_error'] as const)(
    'is none with %s: the server has answered',
    async (code) => {
      await expect(make().wait(failure(code))).rejects.toMatchObject({ code })
    },
  )

  it('ends with its caller and with the client', async () => {
    const [caller, client] = [new AbortController(), new AbortController()]
    const options = { signal: caller.signal, closed: client.signal }
    const [first, second] = [make(options).wait(failure()), make({ closed: client.signal }).wait(failure())]
    caller.abort('the user left')
    await expect(first).rejects.toMatchObject({ code: 'cancelled', message: expect.stringContaining('the user left') })
    client.abort()
    await expect(second).rejects.toMatchObject({ code: 'client_stopped' })
    await expect(make(options).wait(failure())).rejects.toMatchObject({ code: 'cancelled' })
  })
})
