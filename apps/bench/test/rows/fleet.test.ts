import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { measureFleet } from '../../src/rows/fleet.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('measures calls of many callers to many toolkits, and how the server grows', { timeout: 120_000 }, async () => {
  const context = { seconds: 0.05, runs: 1, children, progress: () => {} }
  const results = await measureFleet(context, { toolkits: 20, callers: 5 })
  expect(results.map(({ what, unit, budget }) => [what, unit, budget])).toEqual([
    ['tool calls, 20 toolkits, 5 callers, 1 s', 'calls/s', null],
    ['the same, p50', 'us', null],
    ['the same, p99', 'us', null],
    ['server memory (RSS) at the end', 'MB', null],
    ['growth of server memory (RSS) from start to end', '%', null],
  ])
  for (const { ours } of results.slice(1, 4)) expect(ours).toBeGreaterThan(0)
  expect(Number.isFinite(results[4]?.ours)).toBe(true)
  expect(results[0]?.serverCpu?.ours).toBeGreaterThan(0)
  expect(results[0]?.notes[0]).toMatch(/RSS [\d.]+ MB at the start, [\d.]+ MB at the end/)
})
