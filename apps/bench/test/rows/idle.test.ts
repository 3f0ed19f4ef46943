import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { measureIdle } from '../../src/rows/idle.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('measures what connected toolkits cost the server', { timeout: 120_000 }, async () => {
  const [result] = await measureIdle({ seconds: 0.2, runs: 1, children, progress: () => {} }, 20)
  expect(result).toMatchObject({ id: 'idle', unit: 'KB', peer: null, budget: '<= 60 KB' })
  expect(Number.isFinite(result?.ours)).toBe(true)
})
