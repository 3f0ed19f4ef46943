import { expect, it, vi } from 'vitest'
import type { EventReader } from '../../src/calls/call-events.ts'
import { CallStreams } from '../../src/calls/call-streams.ts'

const reader = (): EventReader => ({ congested: false, write: vi.fn(), end: vi.fn(), onDrain: vi.fn() })

/** A stream of some characters whose reader has read everything and is gone. */
function ended(streams: CallStreams, keyId: string, callId: string, chars: number) {
  const onAbandoned = vi.fn()
  const { events, name } = streams.open(keyId, onAbandoned)
  const first = reader()
  events.attach(first, 0)
  name(callId)
  events.push('answer', 'x'.repeat(chars), true)
  events.detach(first)
  return onAbandoned
}

const gone = expect.objectContaining({ code: 'gone' }) as unknown

it('gives a stream to the key that made its call, and to no other', () => {
  const streams = new CallStreams()
  ended(streams, 'mine', 'call', 10)
  expect(() => streams.resume('other', 'call', reader(), 0)).toThrow(gone)
  expect(() => streams.resume('mine', 'another', reader(), 0)).toThrow(gone)
  const again = reader()
  streams.resume('mine', 'call', again, 0)
  expect(again.write).toHaveBeenCalledOnce()
  streams.stop()
  expect(() => streams.resume('mine', 'call', reader(), 0)).toThrow(gone)
})

it('keeps so much at most of what nobody reads for one key: the oldest streams go first', () => {
  const streams = new CallStreams({ maxUnreadChars: 2_500 })
  const first = ended(streams, 'mine', 'one', 1_000)
  ended(streams, 'other', 'theirs', 2_000)
  ended(streams, 'mine', 'two', 1_000)
  expect(first).not.toHaveBeenCalled()
  ended(streams, 'mine', 'three', 1_000)
  expect(first).toHaveBeenCalledOnce()
  expect(() => streams.resume('mine', 'one', reader(), 0)).toThrow(gone)
  for (const [key, call] of [
    ['mine', 'two'],
    ['mine', 'three'],
    ['other', 'theirs'],
  ] as const) {
    expect(() => streams.resume(key, call, reader(), 0)).not.toThrow()
  }
  streams.stop()
})

it('ends a call at once whose caller goes before it has an id to come back with', () => {
  const streams = new CallStreams()
  const onAbandoned = vi.fn()
  const { events, name } = streams.open('mine', onAbandoned)
  const first = reader()
  events.attach(first, 0)
  events.detach(first)
  expect(onAbandoned).toHaveBeenCalledOnce()
  name('call')
  expect(() => streams.resume('mine', 'call', reader(), 0)).toThrow(gone)
})
