import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallSlots, slotLifeMs } from '../../src/http/call-slots.ts'

describe('the slots of a mount', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are as many as were asked for, and free again once given back', () => {
    const slots = new CallSlots(2)
    const release = slots.take()
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
    release?.()
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
  })

  it('are given back once, however often it is said', () => {
    const slots = new CallSlots(2)
    const release = slots.take()
    slots.take()
    release?.()
    release?.()
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
  })

  it('are free again a quarter of an hour after they were taken, when nobody gave them back', () => {
    const slots = new CallSlots(2)
    slots.take()
    vi.advanceTimersByTime(1)
    slots.take()
    vi.advanceTimersByTime(slotLifeMs - 1)
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
  })
})
