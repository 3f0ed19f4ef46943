import { formatFigure } from '../report/format-table.ts'
import { median } from '../report/statistics.ts'
import type { Comparison } from './compare-systems.ts'
import type { LoadSystem, SystemSample } from './load-system.ts'

/**
 * What was seen of a system at one concurrency, as one line for below the table: medians over the runs.
 * @param thing what the samples count. @default 'call'
 */
export function describeSamples(
  comparison: Comparison,
  system: LoadSystem,
  concurrency: number,
  thing: string = 'call',
): string {
  const of = (figure: (sample: SystemSample) => number): string =>
    formatFigure(median(comparison.samples(system, concurrency).map(figure)))
  return (
    `c=${concurrency} ${system.name}: ${of((sample) => sample.callsPerSecond)} ${thing}s/s, ` +
    `p50 ${of((sample) => sample.p50Us)} us, p99 ${of((sample) => sample.p99Us)} us, ` +
    `server CPU ${of((sample) => sample.serverCpuUs)} us/${thing}`
  )
}

/** The median over the runs of the CPU time that the system's server took for one call, in microseconds. */
export function serverCpu(comparison: Comparison, system: LoadSystem, concurrency: number): number {
  return median(comparison.samples(system, concurrency).map((sample) => sample.serverCpuUs))
}
