import type { BenchRow, RowContext } from '../bench-row.ts'
import type { MemoryUse } from '../children/serve-parent.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { formatFigure } from '../report/format-table.ts'
import { median } from '../report/statistics.ts'
import type { AtpServerInfo, KeysRequest } from '../systems/atp-system.ts'
import { measureSystem, type RunningSystem, type SystemSample, stopSystem } from '../systems/load-system.ts'

/** Many toolkits and many callers for a long time: whether the server stays as fast and as small as it was. */
export const row: BenchRow = {
  id: 'fleet',
  summary: '1,000 connected toolkits and 200 callers, twenty times as long as others: p50, p99, growth of memory',
  run: (context) => measureFleet(context, { toolkits: 1_000, callers: 200 }),
}

/** How many there are of each. */
export interface FleetSize {
  toolkits: number
  callers: number
}

/** A minute, where others take three seconds. */
const timesLonger = 20
/** How long the memory may grow before it is looked at. */
const warmUpTimes = 5
/** The limits that keep one machine from opening so many sockets at once. */
const limits = { connectsPerSecond: 1_000_000 }
const timeoutMs = 180_000

/** Measures a fleet; every toolkit and every caller has a key and a socket of its own. */
export async function measureFleet(context: RowContext, size: FleetSize): Promise<BenchResult[]> {
  const samples: FleetSample[] = []
  for (let run = 1; run <= context.runs; run++) {
    const sample = await measureOnce(context, size)
    samples.push(sample)
    const { callsPerSecond, before, after } = sample
    context.progress(
      `run ${run}/${context.runs} ${formatFigure(callsPerSecond)} calls/s, RSS ${megabytes(before.rss)}, then ${megabytes(after.rss)}`,
    )
  }
  const of = (figure: (sample: FleetSample) => number): number => median(samples.map(figure))
  const who = `${formatFigure(size.toolkits)} toolkits, ${formatFigure(size.callers)} callers, ${formatFigure(context.seconds * timesLonger)} s`
  const heap = [of(({ before }) => before.heapUsed), of(({ after }) => after.heapUsed)].map(megabytes)
  const rss = [of(({ before }) => before.rss), of(({ after }) => after.rss)].map(megabytes)
  const serverCpu = { ours: of((sample) => sample.serverCpuUs), peer: null }
  return [
    toBenchResult({
      id: 'fleet',
      what: `tool calls, ${who}`,
      unit: 'calls/s',
      ours: of((sample) => sample.callsPerSecond),
      serverCpu,
      notes: [
        `memory of the server after garbage collection: RSS ${rss.join(' at the start, ')} at the end; JavaScript heap ${heap.join(', ')}`,
      ],
    }),
    toBenchResult({ id: 'fleet', what: 'the same, p50', unit: 'us', ours: of((sample) => sample.p50Us) }),
    toBenchResult({ id: 'fleet', what: 'the same, p99', unit: 'us', ours: of((sample) => sample.p99Us) }),
    toBenchResult({
      id: 'fleet',
      what: 'server memory (RSS) at the end',
      unit: 'MB',
      ours: of(({ after }) => after.rss) / 1e6,
    }),
    toBenchResult({
      id: 'fleet',
      what: 'growth of server memory (RSS) from start to end',
      unit: '%',
      ours: of(({ before, after }) => (after.rss / before.rss - 1) * 100),
    }),
  ]
}

interface FleetSample extends SystemSample {
  before: MemoryUse
  after: MemoryUse
}

async function measureOnce(context: RowContext, size: FleetSize): Promise<FleetSample> {
  const system = await startFleet(context, size)
  const load = (times: number): Promise<SystemSample> =>
    measureSystem(system, { concurrency: size.callers, durationMs: context.seconds * 1000 * times })
  // Connects the callers, and lets the heap grow to the size that this load takes: it is not given back.
  await load(warmUpTimes)
  const before = await system.server.ask<MemoryUse>('memory')
  const sample = await load(timesLonger)
  const after = await system.server.ask<MemoryUse>('memory')
  await stopSystem(system)
  return { ...sample, before, after }
}

async function startFleet({ children }: RowContext, size: FleetSize): Promise<RunningSystem> {
  const server = await children.start('atp-server', { data: { limits }, nodeFlags: ['--expose-gc'] })
  const { url } = server.started as AtpServerInfo
  const prefix = 'fleet'
  const keysOf = (request: KeysRequest): Promise<string[]> => server.ask<string[]>('keys', request, timeoutMs)
  const toolkits = await children.start('bare-toolkits')
  const toolkitKeys = await keysOf({ kind: 'toolkit', prefix, count: size.toolkits })
  await toolkits.ask('connect', { url, prefix, keys: toolkitKeys }, timeoutMs)
  const keys = await keysOf({ kind: 'llm', prefix: 'caller', count: size.callers })
  const load = await children.start('fleet-load', {
    data: { url, keys, toolkits: { prefix, count: size.toolkits } },
  })
  return { server, load, processes: [load, toolkits, server] }
}

function megabytes(bytes: number): string {
  return `${formatFigure(bytes / 1e6)} MB`
}
