import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffDelayMs } from '../../src/transport/backoff.ts'

const attempts = fc.nat({ max: 2_000 })
const base = fc.integer({ min: 1, max: 10_000 })
const cap = fc.integer({ min: 1, max: 120_000 })
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('backoffDelayMs', () => {
  it('waits from 0 to below min(maxMs, baseMs * 2^attempt), whatever the attempt', async () => {
    await fc.assert(
      fc.property(attempts, base, cap, chance, (attempt, baseMs, maxMs, random) => {
        const delayMs = backoffDelayMs(attempt, { baseMs, maxMs, random: () => random })
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThan(Math.min(maxMs, baseMs * 2 ** attempt))
      }),
    )
  })

  it('uses the whole range: the delay is the random share of the upper bound', async () => {
    await fc.assert(
      fc.property(attempts, base, cap, chance, (attempt, baseMs, maxMs, random) => {
        const whole = backoffDelayMs(attempt, { baseMs, maxMs, random: () => 1 })
        expect(backoffDelayMs(attempt, { baseMs, maxMs, random: () => random })).toBeCloseTo(random * whole, 6)
        expect(backoffDelayMs(attempt, { baseMs, maxMs, random: () => 0 })).toBe(0)
      }),
    )
  })

  it('doubles its upper bound with each attempt until the cap, and stays there', async () => {
    await fc.assert(
      fc.property(attempts, base, cap, (attempt, baseMs, maxMs) => {
        const options = { baseMs, maxMs, random: () => 1 }
        const bound = backoffDelayMs(attempt, options)
        const next = backoffDelayMs(attempt + 1, options)
        if (bound < maxMs) expect(next).toBe(Math.min(maxMs, bound * 2))
        else expect(next).toBe(bound)
      }),
    )
  })

  it('begins below half a second and never waits longer than 30 seconds by default', () => {
    const bounds = [0, 1, 2, 5, 6, 7, 1_000].map((attempt) => backoffDelayMs(attempt, { random: () => 1 }))
    expect(bounds).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('is different each time by default', () => {
    const delays = new Set(Array.from({ length: 20 }, () => backoffDelayMs(10)))
    expect(delays.size).toBeGreaterThan(10)
  })
})
