import type { RowContext } from '../bench-row.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import type { Budget } from '../report/budget.ts'
import { median, medianPair } from '../report/statistics.ts'
import { type Comparison, compareSystems } from './compare-systems.ts'
import { describeSamples, serverCpu } from './describe-samples.ts'
import type { LoadSystem, SystemSample } from './load-system.ts'

/** What is compared. */
export interface PeerComparison {
  /** The row's id. */
  id: string
  ours: LoadSystem
  /** As the table names all of them together. */
  peerName: string
  /** The peer in each of its modes; the best one counts. */
  peers: readonly LoadSystem[]
  targets: readonly Target[]
}

/** A concurrency to measure at; one at a time is about latency, more about throughput. */
export interface Target {
  concurrency: number
  budget?: Budget
}

/** Measures tool calls through our server beside a peer that does the same job. */
export async function besidePeers(context: RowContext, plan: PeerComparison): Promise<BenchResult[]> {
  const concurrencies = plan.targets.map((target) => target.concurrency)
  const comparison = await compareSystems(context, [plan.ours, ...plan.peers], concurrencies)
  return plan.targets.map((target) => toResult(comparison, plan, target))
}

function toResult(
  comparison: Comparison,
  { id, ours, peerName, peers }: PeerComparison,
  { concurrency, budget }: Target,
): BenchResult {
  const latency = concurrency === 1
  const figure = (sample: SystemSample): number => (latency ? sample.p50Us : sample.callsPerSecond)
  const figures = (system: LoadSystem): number[] => comparison.samples(system, concurrency).map(figure)
  // The peer counts in its best mode.
  const best = [...peers].sort(
    (a, b) => (median(figures(a)) - median(figures(b))) * (latency ? 1 : -1),
  )[0] as LoadSystem
  const peerFigures = figures(best)
  const pairs = figures(ours).map((own, run) => ({ ours: own, peer: peerFigures[run] as number }))
  return toBenchResult({
    id,
    what: `tool call, c=${concurrency}, ${latency ? 'p50' : 'throughput'}, beside ${peerName}`,
    unit: latency ? 'us' : 'calls/s',
    ...medianPair(pairs),
    ...(budget ? { budget } : {}),
    serverCpu: {
      ours: serverCpu(comparison, ours, concurrency),
      peer: serverCpu(comparison, best, concurrency),
    },
    notes: [ours, ...peers].map((system) => {
      const mark = system === best && peers.length > 1 ? ' (the one that counts)' : ''
      return describeSamples(comparison, system, concurrency) + mark
    }),
  })
}
