import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { statusOf } from '../../src/calls/call.ts'
import { makeCall } from '../support/make-call.ts'

const error = { code: 'tool_error', message: 'no', retryable: false } as const

describe('a call', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('goes from accepted over dispatched and acked to its outcome', () => {
    const { call, onOutcome } = makeCall()
    expect(call.state).toBe('accepted')
    call.acked()
    expect(call.state).toBe('accepted')
    call.dispatched()
    call.acked()
    expect(call.state).toBe('acked')
    expect(call.ended).toBe(false)
    expect(call.succeed(1)).toBe(true)
    expect(call.state).toBe('succeeded')
    expect(onOutcome).toHaveBeenCalledExactlyOnceWith({ ok: true, result: 1 }, call)
  })

  it('takes the first outcome only, whatever comes later', () => {
    const { call, onOutcome } = makeCall()
    expect(call.fail(error)).toBe(true)
    expect(call.succeed('late')).toBe(false)
    expect(call.fail({ ...error, code: 'cancelled' })).toBe(false)
    call.dispatched()
    call.acked()
    expect(call.state).toBe('failed')
    expect(onOutcome).toHaveBeenCalledExactlyOnceWith({ ok: false, error }, call)
  })

  it('keeps its deadline on a monotonic clock', () => {
    const { call } = makeCall({ timeoutMs: 1_000 })
    vi.advanceTimersByTime(400)
    vi.setSystemTime(0)
    expect(call.remainingMs).toBeCloseTo(600)
    vi.advanceTimersByTime(2_000)
    expect(call.remainingMs).toBe(0)
  })

  it.each([
    ['deadline_exceeded', 'timed_out'],
    ['cancelled', 'cancelled'],
    ['toolkit_disconnected', 'outcome_unknown'],
    ['toolkit_offline', 'delivery_failed'],
    ['busy', 'delivery_failed'],
    ['server_shutting_down', 'delivery_failed'],
    ['tool_error', 'failed'],
    ['invalid_params', 'failed'],
  ] as const)('that fails with %s ends as %s', (code, status) => {
    expect(statusOf({ code })).toBe(status)
  })
})
