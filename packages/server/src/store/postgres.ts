import { AtpError, isAtpError, type Logger } from '@atp/core'
import { Kysely, PostgresDialect } from 'kysely'
import { newId as newUuid } from '../keys/ids.ts'
import { createCallLogStore } from './kysely/call-log-store.ts'
import { createDataKeyStore } from './kysely/data-key-store.ts'
import type { Database } from './kysely/database.ts'
import { createDurableStore } from './kysely/durable-store.ts'
import { createKeyStore } from './kysely/key-store.ts'
import { createLegacyStore } from './kysely/legacy-store.ts'
import { createProjectStore } from './kysely/project-store.ts'
import { createSecretStore } from './kysely/secret-store.ts'
import { createToolkitStore } from './kysely/toolkit-store.ts'
import { createCallAppender } from './postgres/append-calls.ts'
import { postgresBatchSql } from './postgres/batch-sql.ts'
import { parseDatabaseUrl } from './postgres/database-url.ts'
import { lockKey } from './postgres/locks.ts'
import { migrateDatabase } from './postgres/migrate-database.ts'
import { QueryPool } from './postgres/query-pool.ts'
import { ServerLink } from './postgres/server-link.ts'
import { sessionSql } from './postgres/session.ts'
import { reasonOf } from './postgres/store-errors.ts'
import type { Store } from './store.ts'

/** Which PostgreSQL database a store lies in, and who opens it. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, with `?schema=` (default `atp`) and `pool_size=` (default 10). */
  url: string
  /** Takes the schema for this server alone. A command that works beside a running server says false. */
  serve: boolean
  logger: Logger
  /** Whether tables are made where there are none. @default true */
  create?: boolean | undefined
  /** Gives the ids of new projects and toolkits. @default UUIDv7 */
  newId?: (() => string) | undefined
  /** The database was gone and is back: what is remembered of it may be outdated. With `serve` only. */
  onRecovered?: (() => void) | undefined
  /** Another server took over while the database was out of reach: this one must stop. With `serve` only. */
  onLost?: ((error: AtpError) => void) | undefined
}

/**
 * Opens the store in a schema of a PostgreSQL database, and brings it up to date. With `serve`, everything fails with
 * `store_unavailable` within two seconds while the database is gone, and works again soon after it is back (rule N8).
 * @throws AtpError `invalid_config`, `database_unusable`, `database_in_use` or `database_too_new`
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { serve, create = true, logger, newId = newUuid } = options
  const address = parseDatabaseUrl(options.url)
  const { schema, shown } = address
  const sessionName = `atp-${serve ? 'server' : 'command'} ${newUuid()}`
  const opened: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    // The lock is the first thing taken and the last one given back.
    for (let undo = opened.pop(); undo !== undefined; undo = opened.pop()) await undo()
  }

  try {
    const session = sessionSql({ schema, name: sessionName, statementTimeoutMs })
    const pool = new QueryPool({
      address,
      sessionSql: session,
      acquireTimeoutMs: serve ? serverAcquireTimeoutMs : commandAcquireTimeoutMs,
      queryTimeoutMs: statementTimeoutMs + answerTimeMs,
    })
    opened.push(() => pool.end())
    if (serve) {
      const link = new ServerLink({
        address,
        sessionSql: session,
        sessionName,
        lockKey: lockKey('server', schema),
        logger,
        onDown: () => pool.cut(),
        onUp() {
          pool.restore()
          options.onRecovered?.()
        },
        onLost(error) {
          logger.error('store.lost', { error: error.message })
          options.onLost?.(error)
        },
      })
      opened.unshift(() => link.close())
      await link.open()
    }
    await migrateDatabase({ address, sessionName, create, logger })
    const database = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    logger.info('store.opened', { database: shown, schema })

    return {
      projects: createProjectStore(database, newId),
      keys: createKeyStore(database),
      toolkits: createToolkitStore(database, newId),
      legacy: createLegacyStore(database),
      dataKeys: createDataKeyStore(database, postgresBatchSql),
      secrets: createSecretStore(database),
      durable: createDurableStore(database, postgresBatchSql),
      calls: createCallLogStore(database, createCallAppender(database)),
      close,
    }
  } catch (error) {
    await close()
    throw toOpenError(error, shown)
  }
}

/** No statement of ours takes a tenth of this on a database that is well. */
const statementTimeoutMs = 5_000

/** The database's own limit comes first: what it refuses does not cost the connection. */
const answerTimeMs = 1_000

const serverAcquireTimeoutMs = 1_500
const commandAcquireTimeoutMs = 5_000

function toOpenError(error: unknown, shown: string): AtpError {
  if (isAtpError(error) && error.code !== 'store_unavailable') return error
  return new AtpError(
    'database_unusable',
    `The database ${shown} cannot be used: ${reasonOf((isAtpError(error) && error.cause) || error)}`,
    { cause: error },
  )
}
