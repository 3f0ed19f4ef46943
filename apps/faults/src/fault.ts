import type { Processes } from './children/processes.ts'
import type { Violation } from './oracle/judge.ts'

/** What a fault is run with. */
export interface FaultContext {
  processes: Processes
  /** How long and how often: `smoke` for the normal tests, `quick` for a desk, `full` for what is promised. */
  size: 'smoke' | 'quick' | 'full'
  /** PostgreSQL, or why there is none. */
  database: { url: string } | { missing: string }
  /** The entry of a changed copy of the server's source. */
  serverEntry: string | undefined
  progress(line: string): void
}

/** What came of a fault; one row of the table. */
export interface FaultReport {
  /** How often something was broken. */
  runs: number
  calls: number
  lost: number
  doubled: number
  unknown: number
  slowestRecoveryMs: number | null
  /** What else was seen. */
  notes: string[]
  /** Rules that were broken; empty when all is well. */
  violations: Violation[]
}

/** One way to break things. */
export interface Fault {
  name: string
  /** One line: what is broken, under which load. */
  summary: string
  /** Whether it measures how long something takes, so that no other may run beside it. @default false */
  alone?: boolean
  /**
   * Breaks it and judges what the ledgers say.
   * @throws LeftOut where this machine cannot do it; any other Error when the harness failed
   */
  run(context: FaultContext): Promise<FaultReport>
}

/** Why a fault cannot be run here. */
export class LeftOut extends Error {}

/** The value for this size. */
export function sized<T>({ size }: Pick<FaultContext, 'size'>, values: Record<FaultContext['size'], T>): T {
  return values[size]
}
