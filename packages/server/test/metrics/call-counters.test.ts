import { describe, expect, it } from 'vitest'
import { CallCounters, type CountedCall } from '../../src/metrics/call-counters.ts'
import { readExposition } from './read-exposition.ts'

const call = (given: Partial<CountedCall> = {}): CountedCall => {
  return { toolkitName: 'demo', tool: 'greet', status: 'succeeded', durationMs: 3, ...given }
}

function counted(calls: Partial<CountedCall>[], maxSeries?: number): Map<string, number> {
  const counters = new CallCounters(maxSeries)
  for (const each of calls) counters.add(call(each))
  return readExposition(counters.text())
}

it('counts calls by toolkit, tool and status', () => {
  const values = counted([{}, {}, { status: 'failed' }, { tool: 'echo' }, { toolkitName: 'other one' }])
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="greet",status="succeeded"}')).toBe(2)
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="greet",status="failed"}')).toBe(1)
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="echo",status="succeeded"}')).toBe(1)
  expect(values.get('atp_tool_calls_total{toolkit="other one",tool="greet",status="succeeded"}')).toBe(1)
  expect([...values.keys()].filter((series) => series.startsWith('atp_tool_calls_total'))).toHaveLength(4)
})

it('tells durations as a cumulated histogram in seconds', () => {
  const values = counted([{ durationMs: 0.4 }, { durationMs: 5 }, { durationMs: 5.1 }, { durationMs: 900_000 }])
  const bucket = (le: string) => values.get(`atp_tool_call_duration_seconds_bucket{toolkit="demo",le="${le}"}`)
  expect(['0.001', '0.0025', '0.005', '0.01', '600', '+Inf'].map(bucket)).toEqual([1, 1, 2, 3, 3, 4])
  expect(values.get('atp_tool_call_duration_seconds_count{toolkit="demo"}')).toBe(4)
  expect(values.get('atp_tool_call_duration_seconds_sum{toolkit="demo"}')).toBeCloseTo(900.0105, 6)
})

it('names the metrics also before the first call', () => {
  const text = new CallCounters().text()
  expect(text).toContain('# TYPE atp_tool_calls_total counter\n')
  expect(text).toContain('# TYPE atp_tool_call_duration_seconds histogram\n')
  expect(readExposition(text).size).toBe(0)
})

it('lets no name break out of its label', () => {
  const values = counted([{ toolkitName: 'a"} 1\nfake{x="\\' }])
  expect(values.get('atp_tool_calls_total{toolkit="a\\"} 1\\nfake{x=\\"\\\\",tool="greet",status="succeeded"}')).toBe(1)
})

describe('names without end', () => {
  it('are counted as other past the limit, and no call is lost', () => {
    const calls = Array.from({ length: 5_000 }, (_, at) => ({ toolkitName: `kit ${at % 100}`, tool: `tool_${at}` }))
    const values = counted(calls, 1_000)
    expect(values.size).toBeLessThanOrEqual(1_000)
    const totals = [...values].filter(([series]) => series.startsWith('atp_tool_calls_total'))
    expect(totals.reduce((sum, [, count]) => sum + count, 0)).toBe(5_000)
    expect(values.get('atp_tool_calls_total{toolkit="other",tool="other",status="succeeded"}')).toBeGreaterThan(4_000)
    const timed = [...values].filter(([series]) => series.startsWith('atp_tool_call_duration_seconds_count'))
    expect(timed.reduce((sum, [, count]) => sum + count, 0)).toBe(5_000)
  })

  it('leave those that were known before as they are', () => {
    const flood = Array.from({ length: 500 }, (_, at) => ({ toolkitName: `kit ${at}` }))
    const values = counted([{}, ...flood, {}], 100)
    expect(values.get('atp_tool_calls_total{toolkit="demo",tool="greet",status="succeeded"}')).toBe(2)
  })

  it('share their count with a toolkit that is really called so', () => {
    const flood = Array.from({ length: 100 }, (_, at) => ({ toolkitName: `kit ${at}`, tool: 'f' }))
    const values = counted([{ toolkitName: 'other', tool: 'other' }, ...flood], 60)
    expect(values.get('atp_tool_calls_total{toolkit="other",tool="other",status="succeeded"}')).toBeGreaterThan(90)
  })
})
