import type { Measured } from '../report/bench-result.ts'
import { medianPair } from '../report/statistics.ts'
import type { Comparison } from './compare-systems.ts'
import { serverCpu } from './describe-samples.ts'
import type { LoadSystem } from './load-system.ts'

/** Calls per second of one system beside another at one concurrency, with what their servers took for each. */
export function throughputBeside(
  comparison: Comparison,
  ours: LoadSystem,
  peer: LoadSystem,
  concurrency: number,
): Required<Pick<Measured, 'ours' | 'peer' | 'ratio' | 'serverCpu'>> {
  const peerSamples = comparison.samples(peer, concurrency)
  const pairs = comparison.samples(ours, concurrency).map(({ callsPerSecond }, run) => ({
    ours: callsPerSecond,
    peer: peerSamples[run]?.callsPerSecond ?? Number.NaN,
  }))
  const cpu = (system: LoadSystem): number => serverCpu(comparison, system, concurrency)
  return { ...medianPair(pairs), serverCpu: { ours: cpu(ours), peer: cpu(peer) } }
}
