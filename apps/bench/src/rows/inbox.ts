import type { BenchRow, RowContext } from '../bench-row.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { atLeast } from '../report/budget.ts'
import { formatFigure } from '../report/format-table.ts'
import { median } from '../report/statistics.ts'
import { type BenchDatabase, createBenchDatabase } from '../systems/bench-database.ts'
import { type Comparison, compareSystems } from '../systems/compare-systems.ts'
import { describeSamples, serverCpu } from '../systems/describe-samples.ts'
import { postgresInboxSystem, sqliteInboxSystem } from '../systems/inbox-system.ts'
import type { LoadSystem } from '../systems/load-system.ts'

const concurrencies = [64, 256]

/** Calls to a toolkit that polls: stored before they are accepted, and ended by an outcome that is stored. */
export const row: BenchRow = {
  id: 'inbox',
  summary: 'durable calls to a toolkit that polls, on SQLite and on PostgreSQL where there is one (c = 64, 256)',
  async run(context) {
    const database = await findDatabase(context)
    try {
      return await measureInbox(context, database)
    } finally {
      await context.children.stopAll()
      if ('url' in database) await database.drop()
    }
  },
}

/** The same address as that of the tests. */
async function findDatabase({ progress }: RowContext): Promise<BenchDatabase | { missing: string }> {
  const url = process.env.ATP_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
  try {
    if (process.env.ATP_TEST_SERVICES === 'off') throw new Error('ATP_TEST_SERVICES=off')
    return await createBenchDatabase(url)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const missing = `PostgreSQL is LEFT OUT: ${message || code}`
    progress(`!! ${missing}`)
    return { missing }
  }
}

async function measureInbox(
  context: RowContext,
  database: BenchDatabase | { missing: string },
): Promise<BenchResult[]> {
  const sqlite = sqliteInboxSystem()
  const systems = 'url' in database ? [sqlite, postgresInboxSystem(database.url)] : [sqlite]
  const comparison = await compareSystems(context, systems, concurrencies)
  const results = systems.flatMap((system) =>
    concurrencies.map((concurrency) =>
      toBenchResult({
        id: 'inbox',
        what: `durable inbox call, ${system.name}, c=${concurrency}, throughput`,
        unit: 'calls/s',
        ours: median(comparison.samples(system, concurrency).map((sample) => sample.callsPerSecond)),
        ...(system === sqlite ? { budget: atLeast(1_500) } : {}),
        serverCpu: { ours: serverCpu(comparison, system, concurrency), peer: null },
        notes: [describeSamples(comparison, system, concurrency) + describeCommits(comparison, system, concurrency)],
      }),
    ),
  )
  const [first, ...others] = results
  if (first === undefined || !('missing' in database)) return results
  return [{ ...first, notes: [...first.notes, database.missing] }, ...others]
}

/** Each commit waits for the disk once. */
function describeCommits(comparison: Comparison, system: LoadSystem, concurrency: number): string {
  const samples = comparison.samples(system, concurrency)
  if (samples.some(({ commitsPerCall }) => commitsPerCall === undefined)) return ''
  const perCall = median(samples.map(({ commitsPerCall = Number.NaN }) => commitsPerCall))
  const perSecond = median(
    samples.map(({ commitsPerCall = Number.NaN, callsPerSecond }) => commitsPerCall * callsPerSecond),
  )
  return `, ${formatFigure(perCall)} commits/call, ${formatFigure(perSecond)} commits/s`
}
