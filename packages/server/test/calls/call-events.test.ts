import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallEvents, type CallEventsLimits } from '../../src/calls/call-events.ts'

/** A reader that takes `room` events before it has to be drained. */
function reader(room = Number.POSITIVE_INFINITY) {
  const seen: string[] = []
  let drained = (): void => {}
  return {
    seen,
    ended: false,
    room,
    get congested() {
      return this.room <= 0
    },
    write(text: string) {
      this.room -= 1
      seen.push(/^id: (\d+)/.exec(text)?.[1] ?? '?')
    },
    end() {
      this.ended = true
    },
    onDrain(listener: () => void) {
      drained = listener
    },
    drain(more: number) {
      this.room = more
      drained()
    },
  }
}

const onAbandoned = vi.fn()
const make = (limits: CallEventsLimits = {}) => new CallEvents({ onAbandoned, ...limits })

beforeEach(() => {
  vi.useFakeTimers()
  onAbandoned.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the events of a call', () => {
  it('go to a reader in order, and it ends after the last one', () => {
    const events = make()
    const first = reader()
    events.attach(first, 0)
    events.push('chunk', '1')
    events.push('answer', '2', true)
    events.push('chunk', 'late')
    expect(first.seen).toEqual(['1', '2'])
    expect(first.ended).toBe(true)
  })

  it('go on after the last one that a reader had, and the earlier reader hears no more', () => {
    const events = make()
    const [first, second] = [reader(), reader()]
    events.attach(first, 0)
    events.push('chunk', '1')
    events.push('chunk', '2')
    events.attach(second, 1)
    events.push('answer', '3', true)
    events.detach(first)
    expect(first.seen).toEqual(['1', '2'])
    expect(first.ended).toBe(true)
    expect(second.seen).toEqual(['2', '3'])
    vi.advanceTimersByTime(60_000)
    expect(onAbandoned).not.toHaveBeenCalled()
  })

  it('are gone past 256 of them, past their size, and beyond the end', () => {
    const many = make()
    for (let i = 0; i < 257; i += 1) many.push('chunk', '1')
    expect(() => many.attach(reader(), 0)).toThrow(expect.objectContaining({ code: 'gone' }))
    const from = reader()
    many.attach(from, 1)
    expect(from.seen).toHaveLength(256)
    expect(() => many.attach(reader(), 258)).toThrow(expect.objectContaining({ code: 'gone' }))
    const large = make({ maxChars: 100 })
    large.push('chunk', '1'.repeat(60))
    large.push('chunk', '2'.repeat(60))
    expect(() => large.attach(reader(), 0)).toThrow(expect.objectContaining({ code: 'gone' }))
  })

  it('are kept for 30 s without a reader, and for good once somebody came back', () => {
    const events = make()
    const first = reader()
    events.attach(first, 0)
    events.detach(first)
    vi.advanceTimersByTime(29_999)
    const second = reader()
    events.attach(second, 0)
    vi.advanceTimersByTime(60_000)
    expect(onAbandoned).not.toHaveBeenCalled()
    events.detach(second)
    vi.advanceTimersByTime(30_000)
    expect(onAbandoned).toHaveBeenCalledOnce()
  })

  it('wait here for a reader that does not read, without its progress', () => {
    const events = make()
    const slow = reader(1)
    events.attach(slow, 0)
    for (let i = 0; i < 3; i += 1) events.push('chunk', '1')
    events.push('progress', '4')
    expect(slow.seen).toEqual(['1'])
    slow.drain(10)
    events.push('answer', '5', true)
    expect(slow.seen).toEqual(['1', '2', '3', '4'])
    expect(slow.ended).toBe(true)
  })

  it('end a reader that falls back behind what is kept, as if its connection were lost', () => {
    const events = make({ maxEvents: 3 })
    const slow = reader(1)
    events.attach(slow, 0)
    for (let i = 0; i < 10; i += 1) events.push('chunk', '1')
    expect(slow).toMatchObject({ seen: ['1'], ended: true })
    expect(() => events.attach(reader(), 1)).toThrow(expect.objectContaining({ code: 'gone' }))
    vi.advanceTimersByTime(30_000)
    expect(onAbandoned).toHaveBeenCalledOnce()
  })

  it('that are closed keep nothing, and no time', () => {
    const events = make()
    const first = reader()
    events.attach(first, 0)
    events.close()
    events.detach(first)
    expect(first.ended).toBe(true)
    expect(events.keptChars).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
