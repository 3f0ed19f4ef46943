import type { BenchRow } from '../bench-row.ts'
import { chunksPerStream } from '../load/chunks.ts'
import { toBenchResult } from '../report/bench-result.ts'
import { formatFigure } from '../report/format-table.ts'
import { atpSystemWith } from '../systems/atp-system.ts'
import { compareSystems } from '../systems/compare-systems.ts'
import { describeSamples } from '../systems/describe-samples.ts'
import { relaySystemWith } from '../systems/relay-system.ts'
import { throughputBeside } from '../systems/throughput-beside.ts'

const loadProcess = 'atp-stream-load'
const overSocket = atpSystemWith('atp over ws', { protocol: 'ws' }, { loadProcess })
const overHttp = atpSystemWith('atp over HTTP', { protocol: 'http' }, { loadProcess })
const relay = relaySystemWith('relay-stream-load')

/** What a piece of a streamed result costs on its way to the caller. */
export const row: BenchRow = {
  id: 'stream',
  summary: 'streamed chunks through the server to callers over ws and HTTP, beside a bare ws relay (c = 1, 16)',
  async run(context) {
    const systems = [overSocket, overHttp, relay]
    const concurrencies = [1, 16]
    const comparison = await compareSystems(context, systems, concurrencies)
    return concurrencies.flatMap((concurrency) => {
      const notes = systems.map((system) => describeSamples(comparison, system, concurrency, 'chunk'))
      notes.push(`p50 and p99 are those of whole streams of ${formatFigure(chunksPerStream)} chunks`)
      return [overSocket, overHttp].map((ours) =>
        toBenchResult({
          id: 'stream',
          what: `streamed chunks, c=${concurrency}, ${ours.name}, beside ${relay.name}; CPU for each chunk`,
          unit: 'chunks/s',
          ...throughputBeside(comparison, ours, relay, concurrency),
          notes: ours === overSocket ? notes : [],
        }),
      )
    })
  },
}
