import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/inbox.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('measures durable calls on SQLite, and on PostgreSQL or says that there is none', { timeout: 240_000 }, async () => {
  const lines: string[] = []
  const progress = (line: string): void => void lines.push(line)
  const results = await row.run({ seconds: 0.2, runs: 1, children, progress })
  const leftOut = lines.find((line) => line.includes('LEFT OUT'))
  if (leftOut !== undefined) process.stdout.write(`\n${leftOut}\n`)
  // Where services have to be there, leaving one out is a failure.
  if (process.env.CI === 'true' && process.env.ATP_TEST_SERVICES !== 'off') expect(leftOut).toBeUndefined()
  const measured = (store: string, budget: string | null) =>
    [64, 256].map((c) => [`durable inbox call, ${store}, c=${c}, throughput`, 'calls/s', budget])
  expect(results.map(({ what, unit, budget }) => [what, unit, budget])).toEqual([
    ...measured('SQLite', '>= 1500 calls/s'),
    ...(leftOut === undefined ? measured('PostgreSQL', null) : []),
  ])
  for (const { serverCpu } of results) expect(serverCpu?.ours).toBeGreaterThan(0)
  expect(results[0]?.notes[0]).toMatch(/[\d.]+ commits\/call, [\d.,]+ commits\/s$/)
})
