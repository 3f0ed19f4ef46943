import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/llm-http.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('holds calls over HTTP against MCP, and one call against waiting by polling', { timeout: 240_000 }, async () => {
  const results = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
  expect(results.map(({ what, unit, budget }) => [what, unit, budget])).toEqual([
    ['tool call, c=64, throughput, beside MCP', 'calls/s', '>= 3'],
    ['tool call, c=1, p50, beside a poll each 100 ms', 'us', null],
  ])
  for (const { ours, peer } of results) {
    expect(ours).toBeGreaterThan(0)
    expect(peer).toBeGreaterThan(0)
  }
  // Who looks every 100 ms hears of nothing before that.
  expect(results[1]?.peer).toBeGreaterThan(90_000)
})
