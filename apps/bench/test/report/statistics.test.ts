import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, medianPair, percentile } from '../../src/report/statistics.ts'

describe('median', () => {
  it('is the middle value of an odd count, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('is the mean of the two middle values of an even count', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })

  it('sorts by size, not by text', () => {
    expect(median([10, 9, 100])).toBe(10)
  })

  it('does not change what it is given', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('refuses no values', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)

  it('is the nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile(hundred, 0)).toBe(1)
  })

  it('is the value itself when there is only one', () => {
    expect(percentile([7], 0.99)).toBe(7)
  })

  it('is always one of the values, and at least that share of them is not larger', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 })
    fc.assert(
      fc.property(values, fc.double({ noNaN: true, min: 0, max: 1 }), (list, share) => {
        const value = percentile(list, share)
        expect(list).toContain(value)
        expect(list.filter((each) => each <= value).length).toBeGreaterThanOrEqual(share * list.length)
      }),
    )
  })

  it('refuses no values and shares that are none', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError)
    expect(() => percentile([1], 99)).toThrow(RangeError)
    expect(() => percentile([1], Number.NaN)).toThrow(RangeError)
  })
})

describe('medianPair', () => {
  it('takes the ratio of each run, so that one run on a busy machine does not move it', () => {
    const pairs = [
      { ours: 60, peer: 100 },
      { ours: 6, peer: 10 },
      { ours: 61, peer: 100 },
    ]
    expect(medianPair(pairs)).toEqual({ ours: 60, peer: 100, ratio: 0.6 })
  })
})
