import { describe, expect, it } from 'vitest'
import { toBenchResult } from '../../src/report/bench-result.ts'
import { atLeast, atMost } from '../../src/report/budget.ts'
import { formatFigure, formatTable } from '../../src/report/format-table.ts'

const results = [
  toBenchResult({
    id: 'hub',
    what: 'tool call, c=64',
    unit: 'calls/s',
    ours: 41_234.5,
    peer: 55_000,
    budget: atLeast(0.6),
    serverCpu: { ours: 20.04, peer: 15.27 },
    notes: ['c=64 atp: p50 1,500 us'],
  }),
  toBenchResult({ id: 'startup', what: 'start', unit: 's', ours: 1.234, budget: atMost(1) }),
  toBenchResult({ id: 'hub', what: 'beside MCP', unit: 'us', ours: 100, peer: 800 }),
]

describe('formatTable', () => {
  const lines = formatTable(results).split('\n')

  it('prints ours, peer, ratio, budget, pass and the server CPU of each result', () => {
    expect(lines[0]?.split(/ {2,}/)).toEqual([
      'id',
      'what',
      'ours',
      'peer',
      'unit',
      'ratio',
      'budget',
      'pass',
      'server CPU us/call',
    ])
    expect(lines[2]?.split(/ {2,}/)).toEqual([
      'hub',
      'tool call, c=64',
      '41,200',
      '55,000',
      'calls/s',
      '0.75',
      '>= 0.6',
      'yes',
      '20 / 15.3',
    ])
  })

  it('prints MISS for a missed budget and a dash for what there is not', () => {
    expect(lines[3]?.split(/ {2,}/)).toEqual(['startup', 'start', '1.23', '-', 's', '1.23', '<= 1 s', 'MISS', '-'])
    expect(lines[4]?.split(/ {2,}/).slice(5, 8)).toEqual(['0.125', '-', '-'])
  })

  it('lets all columns begin, or end, at the same place', () => {
    const column = lines[0]?.indexOf('unit')
    expect([lines[2]?.indexOf('calls/s'), lines[3]?.indexOf('s  ', column)]).toEqual([column, column])
    const end = (lines[0]?.indexOf('ours') ?? 0) + 'ours'.length
    expect(lines[2]?.slice(0, end).endsWith('41,200')).toBe(true)
    expect(lines[4]?.slice(0, end).endsWith(' 100')).toBe(true)
  })

  it('prints the notes below the table', () => {
    expect(lines.slice(5)).toEqual(['', 'hub: c=64 atp: p50 1,500 us', ''])
  })

  it('prints no results as an empty table', () => {
    expect(formatTable([]).split('\n')).toHaveLength(3)
  })
})

describe('formatFigure', () => {
  it('keeps three significant digits', () => {
    expect([0.012345, 1.5, 99.95, 123456, 0].map(formatFigure)).toEqual(['0.0123', '1.5', '100', '123,000', '0'])
  })
})
