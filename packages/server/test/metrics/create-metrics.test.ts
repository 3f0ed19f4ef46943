import { type Logger, silentLogger } from '@atp/core'
import { expect, it } from 'vitest'
import { createMetrics, type MetricsSources } from '../../src/metrics/create-metrics.ts'
import { readServerVersion } from '../../src/metrics/server-version.ts'
import { readExposition } from './read-exposition.ts'

const sources = (given: Partial<MetricsSources> = {}): MetricsSources => {
  return {
    version: '1.2.3',
    connectedToolkits: () => 2,
    callsInFlight: () => 3,
    callLogDropped: () => 4,
    inboxDepths: async () => [],
    ...given,
  }
}

it('tells what the server and its process do', async () => {
  const metrics = createMetrics(sources({ inboxDepths: async () => new Map([['demo', 7]]) }))
  metrics.callEnded({ toolkitName: 'demo', tool: 'greet', status: 'timed_out', durationMs: 20 })
  const values = readExposition(await metrics.text())
  expect(values.get(`atp_build_info{version="1.2.3",node="${process.versions.node}"}`)).toBe(1)
  expect(values.get('atp_connected_toolkits')).toBe(2)
  expect(values.get('atp_calls_in_flight')).toBe(3)
  expect(values.get('atp_call_log_dropped_total')).toBe(4)
  expect(values.get('atp_inbox_depth{toolkit="demo"}')).toBe(7)
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="greet",status="timed_out"}')).toBe(1)
  expect(values.get('process_start_time_seconds')).toBeGreaterThan(1e9)
  expect([...values.keys()].some((series) => series.startsWith('nodejs_eventloop_lag'))).toBe(true)
})

it('tells each time what is so then', async () => {
  const depths = [new Map([['demo', 1]]), new Map([['late', 2]])]
  let dropped = 5
  const metrics = createMetrics(
    sources({ inboxDepths: async () => depths.shift() ?? [], callLogDropped: () => dropped++ }),
  )
  await metrics.text()
  const values = readExposition(await metrics.text())
  expect(values.get('atp_call_log_dropped_total')).toBe(6)
  expect([...values.keys()].filter((series) => series.startsWith('atp_inbox_depth'))).toEqual([
    'atp_inbox_depth{toolkit="late"}',
  ])
})

it('keeps the metrics of two servers in one process apart', async () => {
  const [one, two] = [createMetrics(sources()), createMetrics(sources({ connectedToolkits: () => 9 }))]
  one.callEnded({ toolkitName: 'demo', tool: 'greet', status: 'succeeded', durationMs: 1 })
  expect(readExposition(await one.text()).get('atp_connected_toolkits')).toBe(2)
  const values = readExposition(await two.text())
  expect(values.get('atp_connected_toolkits')).toBe(9)
  expect([...values.keys()].filter((series) => series.startsWith('atp_tool_calls_total'))).toEqual([])
})

it('adds up inboxes of one name, and tells the fullest thousand one by one', async () => {
  const many = Array.from({ length: 3_000 }, (_, at) => [`kit ${at}`, at + 1] as const)
  const metrics = createMetrics(sources({ inboxDepths: async () => [...many, ['kit 0', 10_000], ['kit 0', 1]] }))
  const values = readExposition(await metrics.text())
  const depths = [...values].filter(([series]) => series.startsWith('atp_inbox_depth'))
  expect(depths).toHaveLength(1_001)
  expect(depths.reduce((sum, [, waiting]) => sum + waiting, 0)).toBe((3_000 * 3_001) / 2 + 10_001)
  expect(values.get('atp_inbox_depth{toolkit="kit 0"}')).toBe(10_002)
})

it('leaves out and reports a source that fails, and tells the rest', async () => {
  const warned: unknown[] = []
  const logger: Logger = { ...silentLogger, warn: (event, fields) => void warned.push({ event, ...fields }) }
  const metrics = createMetrics(
    sources({
      logger,
      inboxDepths: async () => {
        throw new Error('the database is away')
      },
    }),
  )
  expect(readExposition(await metrics.text()).get('atp_connected_toolkits')).toBe(2)
  expect(warned).toEqual([
    { event: 'metrics.source_failed', metric: 'atp_inbox_depth', error: 'Error: the database is away' },
  ])
})

it('asks its sources once, however many read at once', async () => {
  let asked = 0
  const gate = Promise.withResolvers<[]>()
  const metrics = createMetrics(
    sources({
      inboxDepths() {
        asked += 1
        return gate.promise
      },
    }),
  )
  const reads = Array.from({ length: 20 }, () => metrics.text())
  await expect.poll(() => asked).toBe(1)
  gate.resolve([])
  expect(new Set(await Promise.all(reads)).size).toBe(1)
  expect(asked).toBe(1)
})

it('knows the version of its package', () => {
  expect(readServerVersion()).toMatch(/^\d+\.\d+\.\d+/)
})
