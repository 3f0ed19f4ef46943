import process from 'node:process'
import { type Logger, silentLogger } from '@atp/core'
import type { Gauge as GaugeMetric, Registry } from 'prom-client'
import { CallCounters, type CountedCall } from './call-counters.ts'

/** Where metrics come from; each source is asked when somebody reads them. */
export interface MetricsSources {
  /** The server's version. */
  version: string
  /** How many toolkits have a process connected. */
  connectedToolkits: () => number
  callsInFlight: () => number
  /** How many lines of the call log were lost since the start. */
  callLogDropped: () => number
  /** How many calls wait in the inbox of each toolkit, by the toolkit's name; names may come twice. */
  inboxDepths: () => Promise<Iterable<readonly [toolkit: string, waiting: number]>>
  /** @default silent */
  logger?: Logger | undefined
  /** How many series of calls there are at most. @default 10_000 */
  maxSeries?: number | undefined
}

/** The metrics of one server: no parameters, results, tokens, keys or users. */
export interface Metrics {
  /** Counts an ended call. */
  callEnded(call: CountedCall): void
  /**
   * All metrics in the text format of Prometheus. A source that fails is left out and logged, because metrics are wanted
   * most when something fails.
   */
  text(): Promise<string>
}

/** The type of what {@link Metrics.text} returns. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Inboxes that are told one by one, the fullest; the rest is told together. */
const maxInboxes = 1_000

/** Builds the metrics of a server. What they take of the process is only set up once somebody reads them. */
export function createMetrics(sources: MetricsSources): Metrics {
  const counters = new CallCounters(sources.maxSeries)
  let opened: Promise<Registry> | undefined
  let reading: Promise<string> | undefined

  async function read(): Promise<string> {
    opened ??= openRegistry(sources)
    const text = await (await opened).metrics()
    return `${text}\n${counters.text()}`
  }

  return {
    callEnded: (call) => counters.add(call),
    // However many read at once, the sources are asked once.
    text() {
      reading ??= read().finally(() => {
        reading = undefined
      })
      return reading
    },
  }
}

/** Reads a source into its metric. */
type Fill = (gauge: GaugeMetric) => void | Promise<void>

/** Loads the library, which a server that nobody watches does without. */
async function openRegistry(sources: MetricsSources): Promise<Registry> {
  const { collectDefaultMetrics, Counter, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  const logger = sources.logger ?? silentLogger
  collectDefaultMetrics({ register: registry })

  const addGauge = (name: string, help: string, fill: Fill, labelNames: string[] = []): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        this.reset()
        try {
          await fill(this)
        } catch (error) {
          logger.warn('metrics.source_failed', { metric: name, error: String(error) })
        }
      },
    })
  }
  addGauge('atp_connected_toolkits', 'Toolkits with a process connected.', (gauge) => {
    gauge.set(sources.connectedToolkits())
  })
  addGauge('atp_calls_in_flight', 'Calls without an outcome.', (gauge) => gauge.set(sources.callsInFlight()))
  const inboxHelp = 'Calls that wait for a toolkit that polls.'
  const fillInboxes: Fill = async (gauge) => {
    for (const [toolkit, waiting] of shortened(await sources.inboxDepths())) gauge.set({ toolkit }, waiting)
  }
  addGauge('atp_inbox_depth', inboxHelp, fillInboxes, ['toolkit'])
  const build = { version: sources.version, node: process.versions.node }
  addGauge('atp_build_info', 'What runs.', (gauge) => gauge.set(build, 1), Object.keys(build))
  new Counter({
    name: 'atp_call_log_dropped_total',
    help: 'Lines of the call log that were lost.',
    registers,
    collect() {
      this.reset()
      this.inc(sources.callLogDropped())
    },
  })
  return registry
}

function shortened(depths: Iterable<readonly [string, number]>): Map<string, number> {
  const byName = new Map<string, number>()
  const add = (name: string, waiting: number): void => void byName.set(name, (byName.get(name) ?? 0) + waiting)
  for (const [name, waiting] of depths) add(name, waiting)
  if (byName.size <= maxInboxes) return byName
  const fullestFirst = [...byName].sort(([, one], [, two]) => two - one)
  byName.clear()
  for (const [index, [name, waiting]] of fullestFirst.entries()) add(index < maxInboxes ? name : 'other', waiting)
  return byName
}
