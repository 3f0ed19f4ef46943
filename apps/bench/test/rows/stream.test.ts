import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/stream.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('holds streamed chunks over both protocols against the relay', { timeout: 240_000 }, async () => {
  const results = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
  expect(results.map(({ what, unit, budget }) => [what.split(';')[0], unit, budget])).toEqual([
    ['streamed chunks, c=1, atp over ws, beside ws relay', 'chunks/s', null],
    ['streamed chunks, c=1, atp over HTTP, beside ws relay', 'chunks/s', null],
    ['streamed chunks, c=16, atp over ws, beside ws relay', 'chunks/s', null],
    ['streamed chunks, c=16, atp over HTTP, beside ws relay', 'chunks/s', null],
  ])
  // On a busy machine no piece may come in so short a time, but every stream is read to its end.
  for (const { serverCpu } of results) {
    expect(serverCpu?.ours).toBeGreaterThan(0)
    expect(serverCpu?.peer).toBeGreaterThan(0)
    expect(serverCpu?.ours).toBeLessThan(Number.POSITIVE_INFINITY)
  }
})
