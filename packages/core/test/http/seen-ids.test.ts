import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SeenIds } from '../../src/http/seen-ids.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('knows an id for its time, and takes it again after that', () => {
  const ids = new SeenIds(1_000)
  expect([ids.add('a'), ids.add('a'), ids.add('b')]).toEqual([true, false, true])
  vi.advanceTimersByTime(999)
  expect([ids.add('a'), ids.add('b')]).toEqual([false, false])
  vi.advanceTimersByTime(1)
  expect([ids.add('a'), ids.add('b'), ids.add('a')]).toEqual([true, true, false])
})

it('forgets the oldest of too many', () => {
  const ids = new SeenIds(1_000, 3)
  for (const id of ['a', 'b', 'c']) expect(ids.add(id)).toBe(true)
  expect(ids.add('d')).toBe(true)
  expect([ids.add('c'), ids.add('d')]).toEqual([false, false])
  expect(ids.add('a')).toBe(true)
})
