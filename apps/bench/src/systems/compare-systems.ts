import type { RowContext } from '../bench-row.ts'
import { formatFigure } from '../report/format-table.ts'
import { type LoadSystem, measureSystem, type RunningSystem, type SystemSample, stopSystem } from './load-system.ts'

/** What systems gave that were measured in turn. */
export interface Comparison {
  /** One sample for each run. */
  samples(system: LoadSystem, concurrency: number): readonly SystemSample[]
}

/**
 * Measures systems in turn: in each run all are started anew, and at each concurrency one is measured right after the
 * other, so that what slows the machine slows them alike.
 */
export async function compareSystems(
  context: RowContext,
  systems: readonly LoadSystem[],
  concurrencies: readonly number[],
): Promise<Comparison> {
  const samples = new Map<string, SystemSample[]>()
  const samplesOf = (system: LoadSystem, concurrency: number): SystemSample[] => {
    const key = `${concurrency} ${system.name}`
    const known = samples.get(key) ?? []
    samples.set(key, known)
    return known
  }
  for (let run = 1; run <= context.runs; run++) {
    const running: RunningSystem[] = []
    for (const system of systems) running.push(await system.start(context.children))
    for (const concurrency of concurrencies) {
      for (const [index, system] of systems.entries()) {
        const plan = { concurrency, durationMs: context.seconds * 1000 }
        const sample = await measureSystem(running[index] as RunningSystem, plan)
        samplesOf(system, concurrency).push(sample)
        context.progress(
          `run ${run}/${context.runs} c=${concurrency} ${system.name}: ${formatFigure(sample.callsPerSecond)} calls/s`,
        )
      }
    }
    await Promise.all(running.map(stopSystem))
  }
  return { samples: samplesOf }
}
