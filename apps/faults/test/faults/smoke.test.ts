import { afterAll, describe, expect, it } from 'vitest'
import { Processes } from '../../src/children/processes.ts'
import type { FaultContext } from '../../src/fault.ts'
import { faults } from '../../src/faults.ts'
import { runFaults } from '../../src/run-faults.ts'
import { findDatabase } from '../../src/scene/schema.ts'

/* Every fault as small as it can be; `npm run test:faults` is what shows how much is kept. */

const processes = new Processes()
afterAll(() => processes.killAll())

async function database(): Promise<FaultContext['database']> {
  if (process.env.ATP_TEST_SERVICES === 'off') return { missing: 'ATP_TEST_SERVICES=off' }
  const url = process.env.ATP_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
  const found = await findDatabase(url)
  if ('missing' in found && process.env.CI === 'true') throw new Error(found.missing)
  return found
}

describe('every rule is kept', () => {
  it.each(faults.map(({ name, summary }) => ({ name, summary })))(
    'under $name: $summary',
    { timeout: 240_000 },
    async ({ name }) => {
      const context: FaultContext = {
        processes,
        size: 'smoke',
        database: await database(),
        serverEntry: undefined,
        progress: () => {},
      }
      const [result] = await runFaults(
        faults.filter((fault) => fault.name === name),
        context,
      )
      if (result !== undefined && 'leftOut' in result) {
        process.stdout.write(`\n!! ${name} is LEFT OUT: ${result.leftOut}\n`)
        return
      }
      expect(result).toMatchObject({ report: { violations: [], lost: 0, doubled: 0 } })
    },
  )
})
