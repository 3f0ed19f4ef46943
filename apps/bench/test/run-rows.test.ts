import { afterAll, describe, expect, it } from 'vitest'
import type { BenchRow, RowContext } from '../src/bench-row.ts'
import { Children } from '../src/children/children.ts'
import { toBenchResult } from '../src/report/bench-result.ts'
import { atMost } from '../src/report/budget.ts'
import { exitCodeOf, runRows } from '../src/run-rows.ts'

const children = new Children()
afterAll(() => children.stopAll())
const lines: string[] = []
const context: RowContext = { seconds: 1, runs: 1, children, progress: (line) => void lines.push(line) }

const missed = toBenchResult({ id: 'slow', what: 'start', unit: 's', ours: 2, budget: atMost(1) })
const slow: BenchRow = {
  id: 'slow',
  summary: '',
  run: async ({ progress }) => {
    progress('run 1/1')
    return [missed]
  },
}

describe('runRows', () => {
  it('goes on after a row that failed, and tells which one', async () => {
    const broken: BenchRow = { id: 'broken', summary: '', run: () => Promise.reject(new Error('no server')) }
    const outcome = await runRows([broken, slow], context)
    expect(outcome).toEqual({ results: [missed], failures: [{ id: 'broken', reason: 'no server' }] })
    expect(exitCodeOf(outcome, false)).toBe(1)
  })

  it('puts the name of the row before what it tells', async () => {
    lines.length = 0
    await runRows([slow], context)
    expect(lines).toEqual(['slow: run 1/1'])
  })

  it('ends processes that a row left behind', async () => {
    let pid = 0
    const untidy: BenchRow = {
      id: 'untidy',
      summary: '',
      run: async (given) => {
        pid = (await given.children.start('relay-server')).pid
        return []
      },
    }
    await runRows([untidy], context)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('exitCodeOf', () => {
  it('fails for a missed budget only when budgets are checked', () => {
    expect(exitCodeOf({ results: [missed], failures: [] }, false)).toBe(0)
    expect(exitCodeOf({ results: [missed], failures: [] }, true)).toBe(1)
    expect(exitCodeOf({ results: [{ ...missed, pass: null }], failures: [] }, true)).toBe(0)
  })
})
