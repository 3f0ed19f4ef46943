import { AtpError, type Logger } from '@atp/core'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import type { Database } from '../kysely/database.ts'
import { createCallMigrations } from '../migrations/call-migrations.ts'
import { createMainMigrations } from '../migrations/main-migrations.ts'
import { isUpToDate, runMigrations } from '../migrations/run-migrations.ts'
import type { DatabaseAddress } from './database-url.ts'
import { lockKey } from './locks.ts'
import { connectionConfig, sessionSql } from './session.ts'

/** What {@link migrateDatabase} needs. */
export interface MigrateOptions {
  address: DatabaseAddress
  sessionName: string
  /** Whether tables are made where there are none. */
  create: boolean
  logger: Logger
}

/**
 * Brings the tables of a database up to date. Of processes that do this at once one works and the others wait, however
 * long that takes (rule N9).
 * @throws AtpError `database_too_new` or `database_unusable`, or the driver's error
 */
export async function migrateDatabase({ address, sessionName, create, logger }: MigrateOptions): Promise<void> {
  const { schema } = address
  const session = { schema, name: sessionName, statementTimeoutMs: 0 }
  const pool = new Pool({
    ...connectionConfig(address, connectTimeoutMs),
    // One connection and no other: it holds the lock.
    max: 1,
    idleTimeoutMillis: 0,
    onConnect: (client) => {
      client.on('error', () => {})
      return client.query(sessionSql(session))
    },
  })
  pool.on('error', () => {})
  const database = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    await checkEncoding(database)
    const sets = [createMainMigrations(columnTypes), createCallMigrations(columnTypes)]
    if ((await Promise.all(sets.map((set) => isUpToDate(database, set, schema)))).every(Boolean)) return
    if (!create && !(await hasSchema(database, schema))) {
      throw new AtpError(
        'database_unusable',
        `There is no ATP data in the database ${address.shown}, schema "${schema}"`,
      )
    }
    await waitForLock(database, lockKey('migration', schema), logger)
    for (const set of sets) await runMigrations(database, set, logger, schema)
  } finally {
    // Ends the session, and with it the lock.
    await database.destroy()
  }
}

const connectTimeoutMs = 5_000

/** The order of the bytes, as SQLite has it: equal on every machine, whatever the language of the database is. */
const columnTypes = { text: sql`text collate "C"` }

async function waitForLock(database: Kysely<Database>, key: string, logger: Logger): Promise<void> {
  const { rows } = await sql<{ taken: boolean }>`select pg_try_advisory_lock(${key}::bigint) as taken`.execute(database)
  if (rows[0]?.taken) return
  logger.info('store.migration_awaited', {})
  await sql`select pg_advisory_lock(${key}::bigint)`.execute(database)
}

async function hasSchema(database: Kysely<Database>, schema: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`select to_regnamespace(${schema}) is not null as found`.execute(
    database,
  )
  return rows[0]?.found === true
}

async function checkEncoding(database: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`.execute(
    database,
  )
  const encoding = rows[0]?.encoding
  if (encoding === 'UTF8') return
  throw new AtpError('database_unusable', `The database is encoded in ${encoding}: create one with encoding UTF8`)
}
