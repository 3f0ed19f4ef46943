import { expect, it } from 'vitest'
import type { LedgerEntry } from '../../src/ledger/ledger-entry.ts'
import { percentile, steadyPercentile, timesOf } from '../../src/oracle/latency.ts'

it('finds how long each attempt of one caller took', () => {
  const sent = (by: string, ref: string, at: number, attempt = 1): LedgerEntry => ({
    ...{ event: 'sent', by, ref, at, attempt },
    ...{ tool: 'work', idempotent: false, key: false },
  })
  const outcome = (by: string, ref: string, at: number, attempt = 1): LedgerEntry => ({
    ...{ event: 'outcome', by, ref, at, attempt, status: 'succeeded' },
  })
  const entries = [
    sent('a', 'x', 1),
    sent('b', 'y', 2),
    sent('a', 'z', 3),
    outcome('a', 'z', 4),
    outcome('b', 'y', 5),
    outcome('a', 'x', 11),
    sent('a', 'x', 20, 2),
    outcome('a', 'x', 25, 2),
    sent('a', 'never', 30),
  ]
  const times = timesOf(entries, 'a')
  expect(times.map(({ sentAt, ms }) => [sentAt, ms])).toEqual([
    [1, 10],
    [3, 1],
    [20, 5],
  ])
  expect([percentile(times, 0.5), percentile(times, 0.99), percentile([], 0.5)]).toEqual([5, 10, 0])
})

it('does not take a moment for what is there all the time', () => {
  const at = (sentAt: number, ms: number) => ({ sentAt, ms, status: 'succeeded' })
  const disturbed = [at(0, 500), at(1, 2), at(3, 2), at(4, 3), at(6, 2), at(7, 2)]
  expect(steadyPercentile(disturbed, 0.99, 0, 9)).toBe(2)
  expect(
    steadyPercentile(
      disturbed.map(({ sentAt }) => at(sentAt, 500)),
      0.99,
      0,
      9,
    ),
  ).toBe(500)
  expect(steadyPercentile(disturbed, 0.99, 100, 200)).toBe(0)
  expect(steadyPercentile([at(0, 7)], 0.99, 0, 9)).toBe(7)
})
