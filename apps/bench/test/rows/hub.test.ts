import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/hub.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('holds calls through the server against the relay and MCP', { timeout: 240_000 }, async () => {
  const results = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
  expect(results.map(({ what, unit, budget }) => [what, unit, budget])).toEqual([
    ['tool call, c=1, p50, beside ws relay', 'us', '<= 2.5'],
    ['tool call, c=64, throughput, beside ws relay', 'calls/s', '>= 0.6'],
    ['tool call, c=256, throughput, beside ws relay', 'calls/s', '>= 0.6'],
    ['tool call, c=1, p50, beside MCP', 'us', null],
    ['tool call, c=64, throughput, beside MCP', 'calls/s', '>= 15'],
  ])
  for (const result of results) {
    expect(result.ours).toBeGreaterThan(0)
    expect(result.peer).toBeGreaterThan(0)
    expect(result.serverCpu?.ours).toBeGreaterThan(0)
  }
  // Each mode of the peer is told, the best one counts.
  expect(results[4]?.notes.map((note) => note.split(':')[0])).toEqual([
    'c=64 atp',
    'c=64 MCP session',
    'c=64 MCP session-json',
    'c=64 MCP stateless',
  ])
})
