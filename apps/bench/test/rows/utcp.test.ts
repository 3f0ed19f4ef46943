import { afterAll, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { corpusManual, corpusQueries } from '../../src/load/tool-corpus.ts'
import { measureTools } from '../../src/rows/utcp.ts'

const children = new Children()
afterAll(() => children.stopAll())

it('measures search and registering beside the SDK', { timeout: 120_000 }, async () => {
  const results = await measureTools({ seconds: 0.1, runs: 1, children, progress: () => {} }, [50])
  expect(results.map(({ what }) => what)).toEqual(['UTCP search, 50 tools', 'UTCP registering 50 tools'])
  for (const { ours, peer, ratio } of results) {
    expect(ours).toBeGreaterThan(0)
    expect(ratio).toBeCloseTo(ours / (peer ?? Number.NaN))
  }
})

it('has the same tools in every process, and never the same query twice', () => {
  expect(corpusManual(20)).toBe(corpusManual(20))
  const queries = corpusQueries()
  const asked = Array.from({ length: 5_000 }, () => queries.next().value)
  expect(new Set(asked).size).toBe(5_000)
})
