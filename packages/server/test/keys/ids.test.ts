import { expect, it, onTestFinished, vi } from 'vitest'
import { newId } from '../../src/keys/ids.ts'

it('gives UUIDs of version 7 in lower case that say when they were made', () => {
  const before = Date.now()
  const id = newId()
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const madeAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
  expect(madeAt).toBeGreaterThanOrEqual(before)
  expect(madeAt).toBeLessThanOrEqual(Date.now())
})

it('gives ids that ascend and never repeat', () => {
  const ids = Array.from({ length: 100_000 }, newId)
  expect(ids).toEqual(ids.toSorted())
  expect(new Set(ids).size).toBe(ids.length)
})

it('ascends when the clock steps back', () => {
  const before = newId()
  vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const ids = Array.from({ length: 1_000 }, newId)
  expect([before, ...ids]).toEqual([before, ...ids].toSorted())
})

it('takes fresh random bytes for each id', () => {
  const tails = Array.from({ length: 10_000 }, () => newId().slice(-10))
  expect(new Set(tails).size).toBe(tails.length)
})
