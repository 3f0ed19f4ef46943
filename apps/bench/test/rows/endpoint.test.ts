import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/endpoint.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('holds calls to an endpoint against the signed POST alone', { timeout: 120_000 }, async () => {
  const [result] = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
  expect(result).toMatchObject({
    what: 'tool call to an endpoint, c=64, throughput, beside signed POST',
    unit: 'calls/s',
    budget: null,
  })
  expect(result?.serverCpu?.ours).toBeGreaterThan(0)
  expect(result?.serverCpu?.peer).toBeGreaterThan(0)
  expect(result?.notes.map((note) => note.split(':')[0])).toEqual(['c=64 atp endpoint', 'c=64 signed POST'])
})
