import type { BenchRow, RowContext } from '../bench-row.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { atLeast, atMost, type Budget } from '../report/budget.ts'
import { median, medianPair } from '../report/statistics.ts'
import { atpSystem } from '../systems/atp-system.ts'
import { type Comparison, compareSystems } from '../systems/compare-systems.ts'
import { describeSamples, serverCpu } from '../systems/describe-samples.ts'
import type { LoadSystem, SystemSample } from '../systems/load-system.ts'
import { type McpMode, mcpSystem } from '../systems/mcp-system.ts'
import { relaySystem } from '../systems/relay-system.ts'

/** Tool calls through the server, beside a bare `ws` relay and the MCP SDK. */
export const row: BenchRow = {
  id: 'hub',
  summary: 'calls through the server, beside a bare ws relay (c = 1, 64, 256) and MCP over HTTP (c = 1, 64)',
  async run(context) {
    return [
      ...(await besidePeers(
        context,
        'ws relay',
        [relaySystem],
        [
          { concurrency: 1, budget: atMost(2.5) },
          { concurrency: 64, budget: atLeast(0.6) },
          { concurrency: 256, budget: atLeast(0.6) },
        ],
      )),
      ...(await besidePeers(context, 'MCP', mcpModes.map(mcpSystem), [
        { concurrency: 1 },
        { concurrency: 64, budget: atLeast(15) },
      ])),
    ]
  },
}

const mcpModes: readonly McpMode[] = ['session', 'session-json', 'stateless']

interface Target {
  /** One at a time is about latency, more about throughput. */
  concurrency: number
  budget?: Budget
}

async function besidePeers(
  context: RowContext,
  peerName: string,
  peers: readonly LoadSystem[],
  targets: readonly Target[],
): Promise<BenchResult[]> {
  const concurrencies = targets.map((target) => target.concurrency)
  const comparison = await compareSystems(context, [atpSystem, ...peers], concurrencies)
  return targets.map((target) => toResult(comparison, peerName, peers, target))
}

function toResult(
  comparison: Comparison,
  peerName: string,
  peers: readonly LoadSystem[],
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
  const pairs = figures(atpSystem).map((ours, run) => ({ ours, peer: peerFigures[run] as number }))
  return toBenchResult({
    id: 'hub',
    what: `tool call, c=${concurrency}, ${latency ? 'p50' : 'throughput'}, beside ${peerName}`,
    unit: latency ? 'us' : 'calls/s',
    ...medianPair(pairs),
    ...(budget ? { budget } : {}),
    serverCpu: {
      ours: serverCpu(comparison, atpSystem, concurrency),
      peer: serverCpu(comparison, best, concurrency),
    },
    notes: [atpSystem, ...peers].map((system) => {
      const mark = system === best && peers.length > 1 ? ' (the one that counts)' : ''
      return describeSamples(comparison, system, concurrency) + mark
    }),
  })
}
