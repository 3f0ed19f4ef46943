import type { RowContext } from '../bench-row.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { atLeast } from '../report/budget.ts'
import { compareSystems } from './compare-systems.ts'
import { describeSamples } from './describe-samples.ts'
import type { LoadSystem } from './load-system.ts'
import { type Framework, routeSystem } from './route-system.ts'
import { throughputBeside } from './throughput-beside.ts'

const concurrency = 64

/** Measures a framework's adapter beside the same route written by hand, and beside the bare route. */
export async function compareRoutes(context: RowContext, id: string, framework: Framework): Promise<BenchResult[]> {
  const ours = routeSystem(framework, 'ours')
  const hand = routeSystem(framework, 'hand')
  const bare = routeSystem(framework, 'bare')
  const systems = [ours, hand, bare]
  const comparison = await compareSystems(context, systems, [concurrency])
  const beside = (peer: LoadSystem, peerName: string): Parameters<typeof toBenchResult>[0] => ({
    id,
    what: `POST, c=${concurrency}, ${framework}, beside ${peerName}`,
    unit: 'calls/s',
    ...throughputBeside(comparison, ours, peer, concurrency),
  })
  const notes = systems.map((system) => describeSamples(comparison, system, concurrency))
  return [
    toBenchResult({ ...beside(hand, 'the route by hand'), budget: atLeast(0.85), notes }),
    toBenchResult(beside(bare, 'the bare route')),
  ]
}
