import { describe, expect, it, vi } from 'vitest'
import { Cancellation } from '../../src/dispatch/cancel-signal.ts'

describe('Cancellation', () => {
  it('tells its listener once, and keeps the first reason', () => {
    const cancellation = new Cancellation()
    const listener = vi.fn()
    cancellation.addEventListener('abort', listener)
    expect(cancellation.aborted).toBe(false)
    cancellation.cancel('first')
    cancellation.cancel('second')
    expect(listener).toHaveBeenCalledTimes(1)
    expect(cancellation).toMatchObject({ aborted: true, reason: 'first' })
  })

  it('tells a listener nothing after its removal, and another one may take the place', () => {
    const cancellation = new Cancellation()
    const [gone, stays] = [vi.fn(), vi.fn()]
    cancellation.addEventListener('abort', gone)
    cancellation.removeEventListener('abort', gone)
    cancellation.addEventListener('abort', stays)
    cancellation.removeEventListener('abort', gone)
    cancellation.cancel(undefined)
    expect(gone).not.toHaveBeenCalled()
    expect(stays).toHaveBeenCalledTimes(1)
  })

  it('tells several listeners, of which one may leave', () => {
    const cancellation = new Cancellation()
    const listeners = [vi.fn(), vi.fn(), vi.fn()] as const
    for (const listener of listeners) cancellation.addEventListener('abort', listener)
    cancellation.removeEventListener('abort', listeners[1])
    cancellation.cancel('why')
    expect(listeners.map((listener) => listener.mock.calls.length)).toEqual([1, 0, 1])
  })
})
