import type { BenchRow, RowContext } from './bench-row.ts'
import type { BenchResult } from './report/bench-result.ts'

/** What came of all rows. */
export interface RowsOutcome {
  results: BenchResult[]
  /** Rows that could not run, and why. */
  failures: { id: string; reason: string }[]
}

/** Runs rows one after the other. One that fails does not keep the others from running, nor leaves processes behind. */
export async function runRows(rows: readonly BenchRow[], context: RowContext): Promise<RowsOutcome> {
  const outcome: RowsOutcome = { results: [], failures: [] }
  for (const row of rows) {
    const progress = (line: string): void => context.progress(`${row.id}: ${line}`)
    try {
      outcome.results.push(...(await row.run({ ...context, progress })))
    } catch (error) {
      outcome.failures.push({ id: row.id, reason: error instanceof Error ? error.message : String(error) })
    } finally {
      await context.children.stopAll()
    }
  }
  return outcome
}

/** What the process ends with: 1 when a row could not run, or when budgets are checked and one is missed. */
export function exitCodeOf({ results, failures }: RowsOutcome, check: boolean): 0 | 1 {
  if (failures.length > 0) return 1
  return check && results.some((result) => result.pass === false) ? 1 : 0
}
