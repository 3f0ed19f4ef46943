import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ObservedCall } from '../../src/dev/call-observer.ts'
import type { DevView } from '../../src/dev/dev-events.ts'
import { withIdleTimer } from '../../src/dev/idle-timer.ts'

const call: ObservedCall = { number: 1, callId: 'c', toolkit: 'kit', tool: 'tool', args: {} }
const nowhere: DevView = { show() {}, started() {}, progressed() {}, ended() {} }

describe('an idle timer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('tells after a time without calls, from when the tools can be called or the last one ended', async () => {
    const { view, idle } = withIdleTimer(nowhere, 1_000)
    let isIdle = false
    void idle.then(() => {
      isIdle = true
    })
    await vi.advanceTimersByTimeAsync(5_000)
    view.show({ type: 'ready', toolkits: [], fileCount: 1, durationMs: 1 })
    await vi.advanceTimersByTimeAsync(999)
    view.started(call)
    view.started(call)
    await vi.advanceTimersByTimeAsync(5_000)
    view.ended(call, { ok: true, json: '1' }, 1)
    await vi.advanceTimersByTimeAsync(5_000)
    view.ended(call, { ok: true, json: '1' }, 1)
    await vi.advanceTimersByTimeAsync(999)
    expect(isIdle).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(isIdle).toBe(true)
  })

  it('hands on all that it sees, and holds nothing once it is stopped', () => {
    const told: string[] = []
    const { view, stop } = withIdleTimer(
      {
        show: ({ type }) => void told.push(type),
        started: () => void told.push('started'),
        progressed: () => void told.push('progressed'),
        ended: () => void told.push('ended'),
      },
      1_000,
    )
    view.show({ type: 'ready', toolkits: [], fileCount: 1, durationMs: 1 })
    view.started(call)
    view.progressed(call, 1)
    view.ended(call, { ok: true, json: '1' }, 1)
    expect(told).toEqual(['ready', 'started', 'progressed', 'ended'])
    stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
