import type { BenchRow } from '../bench-row.ts'
import { toBenchResult } from '../report/bench-result.ts'
import { atLeast } from '../report/budget.ts'
import { medianPair } from '../report/statistics.ts'
import { compareSystems } from '../systems/compare-systems.ts'
import { describeSamples, serverCpu } from '../systems/describe-samples.ts'
import { utcpHttpSystem } from '../systems/utcp-http-system.ts'

const concurrency = 32

/** What a call of a UTCP tool over HTTP costs its client. */
export const row: BenchRow = {
  id: 'utcp-http',
  summary: 'UTCP tool call over http by our client, beside @utcp/sdk with @utcp/http (c = 32)',
  async run(context) {
    const ours = utcpHttpSystem('ours')
    const peer = utcpHttpSystem('sdk')
    const comparison = await compareSystems(context, [ours, peer], [concurrency])
    const peerSamples = comparison.samples(peer, concurrency)
    const pairs = comparison.samples(ours, concurrency).map(({ callsPerSecond }, run) => ({
      ours: callsPerSecond,
      peer: peerSamples[run]?.callsPerSecond ?? Number.NaN,
    }))
    return [
      toBenchResult({
        id: 'utcp-http',
        what: `UTCP http call, c=${concurrency}, beside @utcp/sdk`,
        unit: 'calls/s',
        ...medianPair(pairs),
        budget: atLeast(3),
        serverCpu: {
          ours: serverCpu(comparison, ours, concurrency),
          peer: serverCpu(comparison, peer, concurrency),
        },
        notes: [
          'the CPU time is that of the client, which is what differs',
          ...[ours, peer].map((system) => describeSamples(comparison, system, concurrency)),
        ],
      }),
    ]
  },
}
