import { describe, expect, it } from 'vitest'
import { toBenchResult } from '../../src/report/bench-result.ts'
import { atLeast, atMost } from '../../src/report/budget.ts'

const base = { id: 'hub', what: 'tool call', unit: 'calls/s', ours: 60, peer: 100 }

describe('toBenchResult', () => {
  it('holds the ratio against the budget where there is a peer', () => {
    expect(toBenchResult({ ...base, budget: atLeast(0.6) })).toMatchObject({ ratio: 0.6, budget: '>= 0.6', pass: true })
    expect(toBenchResult({ ...base, budget: atLeast(0.61) })).toMatchObject({ ratio: 0.6, pass: false })
    expect(toBenchResult({ ...base, ours: 250, budget: atMost(2.5) })).toMatchObject({ ratio: 2.5, pass: true })
    expect(toBenchResult({ ...base, ours: 251, budget: atMost(2.5) })).toMatchObject({ pass: false })
  })

  it('takes the ratio it is given over the one of the medians', () => {
    expect(toBenchResult({ ...base, ratio: 0.5, budget: atLeast(0.6) })).toMatchObject({ ratio: 0.5, pass: false })
  })

  it('holds the figure itself against the budget where there is no peer', () => {
    const result = toBenchResult({ id: 'idle', what: 'memory', unit: 'KB', ours: 30, budget: atMost(60) })
    expect(result).toMatchObject({ peer: null, ratio: 0.5, budget: '<= 60 KB', pass: true })
    const over = toBenchResult({ id: 'idle', what: 'memory', unit: 'KB', ours: 61, budget: atMost(60) })
    expect(over.pass).toBe(false)
  })

  it('neither passes nor misses without a budget', () => {
    expect(toBenchResult(base)).toMatchObject({ ratio: 0.6, budget: null, pass: null })
    expect(toBenchResult({ id: 'x', what: 'y', unit: 's', ours: 1 })).toMatchObject({ ratio: null, pass: null })
  })

  it('never passes a figure that is not a number', () => {
    expect(toBenchResult({ ...base, ours: Number.NaN, budget: atMost(2) }).pass).toBe(false)
    expect(toBenchResult({ ...base, ours: Number.NaN, budget: atLeast(2) }).pass).toBe(false)
  })
})
