import { expect, it } from 'vitest'
import type { LedgerEntry } from '../../src/ledger/ledger-entry.ts'
import { percentile, timesOf } from '../../src/oracle/latency.ts'

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
