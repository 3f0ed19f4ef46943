import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from '@atp/core'
import { Kysely } from 'kysely'
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
import { createCallMigrations } from './migrations/call-migrations.ts'
import { createMainMigrations } from './migrations/main-migrations.ts'
import { type MigrationSet, runMigrations } from './migrations/run-migrations.ts'
import { createCallAppender } from './sqlite/append-calls.ts'
import { sqliteBatchSql } from './sqlite/batch-sql.ts'
import { retryWhileBusy } from './sqlite/busy.ts'
import { openFile, prepareFolder, takeFolder, toOpenError } from './sqlite/data-folder.ts'
import { NodeSqliteDialect } from './sqlite/node-sqlite-dialect.ts'
import type { Store } from './store.ts'

/** Where an SQLite store lies, and who opens it. */
export interface SqliteStoreOptions {
  /** The data folder, made when it is not there. */
  folder: string
  /** Takes the folder for this server alone. A command that works beside a running server says false. */
  serve: boolean
  logger: Logger
  /** Gives the ids of new projects and toolkits. @default UUIDv7 */
  newId?: (() => string) | undefined
}

/**
 * Opens the store in a data folder: `atp.sqlite` for what must never be lost, `calls.sqlite` for the call log.
 * Brings older databases up to date.
 * @throws AtpError `data_folder_unusable`, `data_folder_in_use` or `database_too_new`
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { serve, logger, newId = newUuid } = options
  const folder = resolve(options.folder)
  const opened: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    // The lock is the first thing taken and the last one given back.
    for (let undo = opened.pop(); undo !== undefined; undo = opened.pop()) await undo()
  }

  try {
    prepareFolder(folder)
    if (serve) opened.push(takeFolder(folder))

    const open = async (name: string, pragmas: string, migrations: MigrationSet): Promise<OpenDatabase> => {
      try {
        const connection = openFile(folder, name)
        const database = new Kysely<Database>({ dialect: new NodeSqliteDialect(connection) })
        opened.push(() => (connection.isOpen ? connection.close() : undefined))
        opened.push(() => database.destroy())
        await retryWhileBusy(() => connection.exec(pragmas))
        await runMigrations(database, migrations, logger)
        return { connection, database }
      } catch (error) {
        throw toOpenError(error, folder, name)
      }
    }
    const main = await open('atp.sqlite', mainPragmas, createMainMigrations(columnTypes))
    const calls = await open('calls.sqlite', callPragmas, createCallMigrations(columnTypes))
    logger.debug('store.opened', { folder, serve })

    return {
      projects: createProjectStore(main.database, newId),
      keys: createKeyStore(main.database),
      toolkits: createToolkitStore(main.database, newId),
      legacy: createLegacyStore(main.database),
      dataKeys: createDataKeyStore(main.database, sqliteBatchSql),
      secrets: createSecretStore(main.database),
      durable: createDurableStore(main.database, sqliteBatchSql),
      calls: createCallLogStore(calls.database, createCallAppender(calls.connection)),
      close,
    }
  } catch (error) {
    await close()
    throw toOpenError(error, folder)
  }
}

/** SQLite compares texts by their bytes unless told otherwise. */
const columnTypes = { text: 'text' } as const

interface OpenDatabase {
  connection: DatabaseSync
  database: Kysely<Database>
}

// FULL: a change that was acknowledged survives a power failure (rule D1).
const mainPragmas = 'pragma journal_mode=WAL; pragma synchronous=FULL; pragma foreign_keys=ON'

// NORMAL: a crash of the machine may cost the last lines of the log, a crash of the process costs none. Large pages,
// which hold for a new file only, make a batch of thousands of rows a fifth cheaper. The log of changes is folded into
// the file every 250 of them, the default 4 MiB: that waits for the disk, so it must stay small.
const callPragmas =
  'pragma page_size=16384; pragma journal_mode=WAL; pragma synchronous=NORMAL; pragma wal_autocheckpoint=250'
