import { type Budget, formatBudget, keepsBudget } from './budget.ts'

/** One line of the table. */
export interface BenchResult {
  /** The row it belongs to. */
  id: string
  what: string
  ours: number
  /** The same of the peer; null where there is none. */
  peer: number | null
  /** Of `ours` and `peer`. */
  unit: string
  /** `ours / peer`; without a peer, `ours` as a share of its budget's limit. */
  ratio: number | null
  budget: string | null
  /** Null without a budget. */
  pass: boolean | null
  /** CPU time that the server's process took for one call, in microseconds; null where nothing is called. */
  serverCpu: { ours: number; peer: number | null } | null
  /** What else was seen, one line each; printed below the table. */
  notes: readonly string[]
}

/** What a row measured, before it is judged. */
export interface Measured {
  id: string
  what: string
  unit: string
  ours: number
  peer?: number
  /** @default ours / peer; for medians over runs, the median of the runs' ratios */
  ratio?: number
  budget?: Budget
  serverCpu?: { ours: number; peer: number | null }
  notes?: readonly string[]
}

/** Holds a measurement against its budget. */
export function toBenchResult(measured: Measured): BenchResult {
  const { id, what, unit, ours, peer, budget, serverCpu, notes } = measured
  const base = { id, what, ours, unit, serverCpu: serverCpu ?? null, notes: notes ?? [] }
  if (peer !== undefined) {
    const ratio = measured.ratio ?? ours / peer
    return {
      ...base,
      peer,
      ratio,
      budget: budget ? formatBudget(budget) : null,
      pass: budget ? keepsBudget(ratio, budget) : null,
    }
  }
  return {
    ...base,
    peer: null,
    ratio: budget ? ours / budget.limit : null,
    budget: budget ? formatBudget(budget, unit) : null,
    pass: budget ? keepsBudget(ours, budget) : null,
  }
}
