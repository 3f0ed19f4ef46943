import { afterEach, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/utcp-http.ts'

const children = new Children()
afterEach(() => children.stopAll())

it('the row of UTCP over HTTP holds our client against the published one', { timeout: 120_000 }, async () => {
  const [result, ...others] = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
  expect(others).toEqual([])
  expect(result).toMatchObject({ id: 'utcp-http', unit: 'calls/s', budget: '>= 3' })
  expect(result?.ours).toBeGreaterThan(0)
  expect(result?.peer).toBeGreaterThan(0)
  expect(result?.serverCpu?.ours).toBeGreaterThan(0)
  expect(result?.notes.map((note) => note.split(':')[0])).toEqual([
    'the CPU time is that of the client, which is what differs',
    'c=32 @atp/utcp-http',
    'c=32 @utcp/sdk',
  ])
})
