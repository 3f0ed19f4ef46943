import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { type ClientBase, Pool, type PoolClient } from 'pg'
import { storeUnavailable } from '../store-unavailable.ts'
import type { DatabaseAddress } from './database-url.ts'
import { connectionConfig } from './session.ts'
import { isConnectionLost, toStoreError } from './store-errors.ts'

/** How a {@link QueryPool} connects and how long it waits. */
export interface QueryPoolOptions {
  address: DatabaseAddress
  /** Sent on every new connection. */
  sessionSql: string
  /** How long a query may wait for a connection, in milliseconds. */
  acquireTimeoutMs: number
  /** How long a statement may take, the way there and back included, in milliseconds. */
  queryTimeoutMs: number
}

/**
 * The connections that queries run on. All it throws for a database that is gone is `store_unavailable`, and it can be
 * cut: then everything under way fails at once instead of waiting for an answer that does not come.
 */
export class QueryPool implements PostgresPool {
  /** Asked for by Kysely, for cancelling queries, which nothing here does. */
  readonly options: object = {}
  readonly #options: QueryPoolOptions
  /** Undefined while it is cut. */
  #pool: Pool | undefined
  readonly #clients = new Set<ClientBase>()
  /** Ends the waiting of everybody who has no connection yet. */
  readonly #waiting = new Set<() => void>()

  constructor(options: QueryPoolOptions) {
    this.#options = options
    this.restore()
  }

  connect(): Promise<PostgresPoolClient> {
    const pool = this.#pool
    if (pool === undefined) return Promise.reject(storeUnavailable())
    return new Promise((resolve, reject) => {
      let givenUp = false
      const giveUp = (): void => {
        givenUp = true
        reject(storeUnavailable())
      }
      this.#waiting.add(giveUp)
      pool.connect().then(
        (client) => {
          this.#waiting.delete(giveUp)
          if (givenUp) client.release(true)
          else resolve(new GuardedClient(client, this.#options.queryTimeoutMs) as unknown as PostgresPoolClient)
        },
        (error: unknown) => {
          this.#waiting.delete(giveUp)
          reject(toStoreError(error))
        },
      )
    })
  }

  /** Refuses everything that waits, runs or comes, until `restore`. */
  cut(): void {
    const pool = this.#pool
    if (pool === undefined) return
    this.#pool = undefined
    for (const giveUp of this.#waiting) giveUp()
    this.#waiting.clear()
    pool.end().catch(() => {})
    for (const client of this.#clients) destroy(client)
    this.#clients.clear()
  }

  /** Begins anew, with connections of its own. */
  restore(): void {
    const { address, sessionSql, acquireTimeoutMs } = this.#options
    const pool = new Pool({
      ...connectionConfig(address, acquireTimeoutMs),
      max: address.poolSize,
      onConnect: (client) => {
        // Without a listener, a connection that breaks during a query would end the process.
        client.on('error', () => {})
        this.#clients.add(client)
        client.on('end', () => this.#clients.delete(client))
        return client.query(sessionSql)
      },
    })
    pool.on('error', () => {})
    this.#pool = pool
  }

  /** Lets what runs come to its end for a while, then closes all connections. Idempotent. */
  async end(): Promise<void> {
    const pool = this.#pool
    if (pool === undefined) return
    this.#pool = undefined
    const timer = setTimeout(() => {
      for (const client of this.#clients) destroy(client)
    }, endTimeoutMs)
    await pool.end()
    clearTimeout(timer)
  }
}

const endTimeoutMs = 2_000

/** A connection that is thrown away once it failed, and does not wait for ever. */
class GuardedClient {
  readonly #client: PoolClient
  readonly #timeoutMs: number
  #lost: unknown

  constructor(client: PoolClient, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs
  }

  async query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#lost !== undefined) throw this.#lost
    const timer = setTimeout(() => destroy(this.#client), this.#timeoutMs)
    try {
      const result: unknown = await this.#client.query(text, values.map(withoutNul))
      return result as PostgresQueryResult<R>
    } catch (error) {
      const known = toStoreError(error)
      if (isConnectionLost(error)) this.#lost = known
      throw known
    } finally {
      clearTimeout(timer)
    }
  }

  release(discard = false): void {
    this.#client.release(discard || this.#lost !== undefined)
  }
}

/** PostgreSQL takes any text but U+0000. What a peer sends must not become a defect of ours (rule I7). */
function withoutNul(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNul)
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
}

/** Ends a connection without a word: nobody may be there to hear it. What runs on it fails at once. */
function destroy(client: ClientBase): void {
  ;(client as PoolClient).connection.stream.destroy()
}
