import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
} from 'kysely'
import { retryWhileBusy } from './busy.ts'
import { withStoreErrors, withStoreErrorsLater } from './store-errors.ts'

/**
 * Kysely on `node:sqlite`, with what its own SQLite driver leaves out: prepared statements are kept, transactions take
 * the write lock when they begin (a lock taken later can fail without waiting), migrations run in a transaction, and
 * waiting for another writer does not block the event loop.
 */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync

  /** Takes over the connection: destroying the Kysely instance closes it. */
  constructor(database: DatabaseSync) {
    super({ database: unusedDatabase })
    this.#database = database
  }

  override createDriver(): Driver {
    return new NodeSqliteDriver(this.#database)
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

/** Two processes that migrate at once take turns, because each one's whole migration is one transaction. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: NodeSqliteConnection

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#connection = new NodeSqliteConnection(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(): Promise<void> {
    await withStoreErrorsLater(() => retryWhileBusy(() => this.#database.exec('begin immediate')))
  }

  async commitTransaction(): Promise<void> {
    withStoreErrors(() => this.#database.exec('commit'))
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite ends the transaction itself after some errors, such as a full disk.
    if (this.#database.isTransaction) this.#database.exec('rollback')
  }

  async destroy(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, Prepared>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const run = (): QueryResult<R> => this.#run(query)
    // Inside a transaction the write lock is held already, and repeating one statement of it would not help.
    if (this.#database.isTransaction) return withStoreErrors(run)
    return withStoreErrorsLater(() => retryWhileBusy(run))
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; nothing here streams rows.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streaming is not supported on SQLite: read pages')
  }

  #run<R>(query: CompiledQuery): QueryResult<R> {
    const { statement, returnsRows } = this.#prepare(query.sql)
    const parameters = query.parameters as readonly SQLInputValue[]
    if (returnsRows) return { rows: statement.all(...parameters) as R[] }
    const { changes } = statement.run(...parameters)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }

  /** Preparing costs as much as running: keeping statements doubles the rate of reads by key. */
  #prepare(sql: string): Prepared {
    const kept = this.#statements.get(sql)
    if (kept !== undefined) {
      // A Map is in order of insertion: what was used last goes to the end, the first is dropped.
      this.#statements.delete(sql)
      this.#statements.set(sql, kept)
      return kept
    }
    const statement = this.#database.prepare(sql)
    const prepared = { statement, returnsRows: statement.columns().length > 0 }
    this.#statements.set(sql, prepared)
    if (this.#statements.size > maxStatements) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest)
        break
      }
    }
    return prepared
  }
}

interface Prepared {
  statement: StatementSync
  returnsRows: boolean
}

/** More than the store's distinct queries, filters included. */
const maxStatements = 256

/** The base class asks for a database for its own driver, which is never created. */
const unusedDatabase = async (): Promise<never> => {
  throw new Error('This dialect has a driver of its own')
}
