import type { BenchResult } from './bench-result.ts'

/** What `--json` writes of a result: members are API. */
export type JsonResult = Pick<BenchResult, 'id' | 'what' | 'ours' | 'peer' | 'unit' | 'ratio' | 'budget' | 'pass'>

/** The results as `--json` writes them: one array, with a final newline. Figures are not rounded. */
export function toJson(results: readonly BenchResult[]): string {
  const rows = results.map(
    ({ id, what, ours, peer, unit, ratio, budget, pass }): JsonResult => ({
      id,
      what,
      ours,
      peer,
      unit,
      ratio,
      budget,
      pass,
    }),
  )
  return `${JSON.stringify(rows, null, 2)}\n`
}
