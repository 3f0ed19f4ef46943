import type { BenchRow } from '../bench-row.ts'
import { toBenchResult } from '../report/bench-result.ts'
import { compareSystems } from '../systems/compare-systems.ts'
import { describeSamples } from '../systems/describe-samples.ts'
import { endpointSystem, signedPostSystem } from '../systems/endpoint-system.ts'
import { throughputBeside } from '../systems/throughput-beside.ts'

const concurrency = 64

/** Calls that the server posts to an app, beside the POST alone. */
export const row: BenchRow = {
  id: 'endpoint',
  summary: 'calls delivered to an endpoint, beside a bare signed POST of the same to the same app (c = 64)',
  async run(context) {
    const systems = [endpointSystem, signedPostSystem]
    const comparison = await compareSystems(context, systems, [concurrency])
    return [
      toBenchResult({
        id: 'endpoint',
        what: `tool call to an endpoint, c=${concurrency}, throughput, beside ${signedPostSystem.name}`,
        unit: 'calls/s',
        ...throughputBeside(comparison, endpointSystem, signedPostSystem, concurrency),
        notes: systems.map((system) => describeSamples(comparison, system, concurrency)),
      }),
    ]
  },
}
