import { setTimeout as sleep } from 'node:timers/promises'
import { Processes } from './children/processes.ts'
import { type Fault, type FaultContext, type FaultReport, LeftOut, sized } from './fault.ts'

/** How long one fault may take, in milliseconds: many times what it does take. */
const limitsMs = { smoke: 3 * 60_000, quick: 8 * 60_000, full: 40 * 60_000 }

/** What came of one fault: what it showed, why it was left out, or what kept it from running. */
export type FaultResult = { name: string; durationMs: number } & (
  | { report: FaultReport }
  | { leftOut: string }
  | { failure: string }
)

/** Faults that run at once: most of their time they wait. */
const lanes = 2

/**
 * Runs faults, two at a time where none of both measures times. One that fails neither keeps the others from running nor
 * leaves processes behind. The results are in the order of the faults.
 */
export async function runFaults(faults: readonly Fault[], context: FaultContext): Promise<FaultResult[]> {
  const results = new Map<Fault, FaultResult>()
  const run = async (queue: Fault[]): Promise<void> => {
    for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
      results.set(fault, await runFault(fault, context))
    }
  }
  const together = faults.filter(({ alone }) => !alone)
  await Promise.all(Array.from({ length: lanes }, () => run(together)))
  await run(faults.filter(({ alone }) => alone))
  return faults.flatMap((fault) => results.get(fault) ?? [])
}

async function runFault(fault: Fault, context: FaultContext): Promise<FaultResult> {
  const startedAt = performance.now()
  const { name } = fault
  const progress = (line: string): void => context.progress(`${name}: ${line}`)
  const outcome = await runOne(fault, { ...context, progress, processes: new Processes(context.processes) })
  const durationMs = performance.now() - startedAt
  progress(`${inWords(outcome)} after ${Math.round(durationMs / 1_000)} s`)
  return { name, durationMs, ...outcome }
}

/** Puts runs of the same faults together: sums, and the slowest recovery. */
export function addUp(runs: readonly (readonly FaultResult[])[]): FaultResult[] {
  const [first = [], ...others] = runs
  return others
    .reduce<readonly FaultResult[]>((sums, results) => sums.map((sum, at) => add(sum, results[at])), first)
    .slice()
}

/** Whether every rule was kept. What was left out is no breach: the table says so. */
export function allKept(results: readonly FaultResult[]): boolean {
  return results.every((result) => 'leftOut' in result || ('report' in result && result.report.violations.length === 0))
}

type Outcome = { report: FaultReport } | { leftOut: string } | { failure: string }

async function runOne(fault: Fault, context: FaultContext): Promise<Outcome> {
  const limitMs = sized(context, limitsMs)
  const late = new AbortController()
  const tooLate = sleep(limitMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`It did not end within ${limitMs / 60_000} minutes`)
  })
  tooLate.catch(() => {})
  try {
    return { report: await Promise.race([fault.run(context), tooLate]) }
  } catch (error) {
    if (error instanceof LeftOut) return { leftOut: error.message }
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    late.abort()
    await context.processes.killAll()
  }
}

function inWords(outcome: Outcome): string {
  if ('leftOut' in outcome) return `left out: ${outcome.leftOut}`
  if ('failure' in outcome) return `could not run: ${outcome.failure}`
  const { calls, violations } = outcome.report
  return violations.length === 0 ? `kept every rule in ${calls} calls` : `broke rules ${violations.length} times`
}

function add(a: FaultResult, b: FaultResult | undefined): FaultResult {
  if (b === undefined || 'failure' in a) return a
  if (!('report' in a) || !('report' in b)) return 'report' in a ? b : a
  const [x, y] = [a.report, b.report]
  const recoveries = [x.slowestRecoveryMs, y.slowestRecoveryMs].filter((ms) => ms !== null)
  return {
    name: a.name,
    durationMs: a.durationMs + b.durationMs,
    report: {
      runs: x.runs + y.runs,
      calls: x.calls + y.calls,
      lost: x.lost + y.lost,
      doubled: x.doubled + y.doubled,
      unknown: x.unknown + y.unknown,
      slowestRecoveryMs: recoveries.length === 0 ? null : Math.max(...recoveries),
      notes: [...x.notes, ...y.notes],
      violations: [...x.violations, ...y.violations],
    },
  }
}
