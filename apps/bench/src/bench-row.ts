import type { Children } from './children/children.ts'
import type { BenchResult } from './report/bench-result.ts'

/** A family of measurements that is run as one. Each file of `rows/` exports one as `row`. */
export interface BenchRow {
  /** What `--only` takes, and the `id` of its results. */
  id: string
  /** One line for `--help`. */
  summary: string
  /** @throws Error when it could not measure; a missed budget is a result, not an error */
  run(context: RowContext): Promise<BenchResult[]>
}

/** What a row works with. */
export interface RowContext {
  /** How long one measurement takes. */
  seconds: number
  /** How often each measurement is repeated; results are medians. */
  runs: number
  /** Starts processes; those a row leaves behind are ended after it. */
  children: Children
  /** Tells what is going on, one line at a time. */
  progress(line: string): void
}
