import { percentile } from '../report/statistics.ts'

/** Makes one call; rejects when the answer is not the right one. */
export type Call = () => Promise<unknown>

/** How a load is put on. */
export interface LoadPlan {
  /** Calls that are kept under way all the time. */
  concurrency: number
  durationMs: number
}

/** What was seen of a load. */
export interface LoadSample {
  /** Calls that ended, those after the end of the measuring time included. */
  calls: number
  /** Calls that ended within the measuring time, per second of it. */
  callsPerSecond: number
  p50Us: number
  p99Us: number
}

/**
 * Keeps `concurrency` calls under way for the measuring time, then lets the last ones end. At least one call is made
 * by each of them.
 * @param now a clock in milliseconds
 * @throws what the first failing call failed with
 */
export async function runLoad(call: Call, plan: LoadPlan, now: () => number = readClock): Promise<LoadSample> {
  const latenciesMs: number[] = []
  let inTime = 0
  const start = now()
  const end = start + plan.durationMs
  const keepOneUnderWay = async (): Promise<void> => {
    let begin = now()
    do {
      await call()
      const done = now()
      latenciesMs.push(done - begin)
      if (done <= end) inTime++
      begin = done
    } while (begin < end)
  }
  await Promise.all(Array.from({ length: plan.concurrency }, keepOneUnderWay))
  return {
    calls: latenciesMs.length,
    callsPerSecond: (inTime * 1000) / plan.durationMs,
    p50Us: percentile(latenciesMs, 0.5) * 1000,
    p99Us: percentile(latenciesMs, 0.99) * 1000,
  }
}

function readClock(): number {
  return performance.now()
}
