import { AtpError, type Logger } from '@atp/core'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from '../kysely/database.ts'

/** The steps one set of tables went through, by name: names sort in the order of the steps, and never change. */
export interface MigrationSet {
  /** What the set is about, in error messages and logs. */
  title: string
  /** The table that remembers which steps were taken. */
  table: string
  steps: Readonly<Record<string, Migration>>
}

/**
 * Takes the steps a database has not taken yet. Two processes may do this at once: each one's steps are one
 * transaction under the dialect's lock.
 * @param schema where the tables are, in a database that has schemas; made when it is not there
 * @throws AtpError `database_too_new` when the database knows a step that this program does not
 */
export async function runMigrations(
  database: Kysely<Database>,
  set: MigrationSet,
  logger: Logger,
  schema?: string,
): Promise<void> {
  if (await isUpToDate(database, set, schema)) return
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => set.steps },
    migrationTableName: set.table,
    migrationLockTableName: `${set.table}_lock`,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) {
    // A newer program may have migrated between our look and our lock.
    await isUpToDate(database, set, schema)
    throw error
  }
  const taken = results.map((result) => result.migrationName)
  if (taken.length > 0) logger.info('store.migrated', { tables: set.title, steps: taken })
}

/** Whether all steps were taken. @throws AtpError `database_too_new` */
export async function isUpToDate(database: Kysely<Database>, set: MigrationSet, schema?: string): Promise<boolean> {
  const known = Object.keys(set.steps).sort()
  const taken = await takenSteps(database, set.table, schema)
  const unknown = taken.filter((name) => !Object.hasOwn(set.steps, name)).sort()
  if (unknown.length === 0) return taken.length === known.length
  throw new AtpError(
    'database_too_new',
    `The ${set.title} database is at version "${unknown.at(-1)}", this ATP knows versions up to "${known.at(-1)}":` +
      ' upgrade ATP, or choose another data folder or database',
  )
}

async function takenSteps(database: Kysely<Database>, table: string, schema?: string): Promise<string[]> {
  if (!(await hasTable(database, table, schema))) return []
  const rows = await (database as unknown as Kysely<Record<string, { name: string }>>)
    .selectFrom(table)
    .select('name')
    .execute()
  return rows.map((row) => row.name)
}

async function hasTable(database: Kysely<Database>, table: string, schema: string | undefined): Promise<boolean> {
  if (schema === undefined) {
    const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
    return tables.some(({ name }) => name === table)
  }
  // Listing all tables of a database that others use as well can take seconds.
  const { rows } = await sql<{ found: boolean }>`
    select to_regclass(${`${schema}.${table}`}) is not null as found`.execute(database)
  return rows[0]?.found === true
}
