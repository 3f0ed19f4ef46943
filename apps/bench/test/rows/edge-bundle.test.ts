import { expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/edge-bundle.ts'

it('the edge-bundle row measures two Workers that both answer', { timeout: 60_000 }, async () => {
  const [result] = await row.run({ seconds: 0.2, runs: 1, children: new Children(), progress: () => {} })
  expect(result).toMatchObject({ id: 'edge-bundle', unit: 'kB' })
  expect(result?.ours).toBeGreaterThan(10)
  expect(result?.peer).toBeGreaterThan(10)
  expect(result?.notes).toHaveLength(3)
})
