import { AtpError, type Logger } from '@atp/core'
import { Client } from 'pg'
import type { DatabaseAddress } from './database-url.ts'
import { endSessionsSql, lockHolderSql, tryLockSql } from './locks.ts'
import { connectionConfig } from './session.ts'
import { reasonOf } from './store-errors.ts'

/** What a {@link ServerLink} needs. */
export interface ServerLinkOptions {
  address: DatabaseAddress
  /** Sent on every new connection; gives it `sessionName`. */
  sessionSql: string
  /** Unique to this server, and the name of all its connections. */
  sessionName: string
  /** The lock that one server per database and schema holds. */
  lockKey: string
  logger: Logger
  /** The database does not answer. */
  onDown(): void
  /** It answers again, and the lock is ours. */
  onUp(): void
  /** Another server holds the lock: this one must stop. Nothing is called after it. */
  onLost(error: AtpError): void
}

/** A question each {@link askMs}; two more of them without an answer mean that the database is gone. */
const askMs = 400
const maxUnanswered = 2

/** How long one attempt to connect may take at start, and afterwards. */
const firstConnectMs = 5_000
const reconnectMs = 1_000
const maxRetryMs = 500

/** How long a server that ends may still hold the lock: its last statement runs out first. */
const lockPatienceMs = 1_000

/**
 * The one connection that tells whether the database is there, and that holds the lock of a server. It is asked twice a
 * second, so that a database that hangs without a word is noticed as surely as one that closes its connections
 * (rule N8). While it is down no query runs: a server without its lock must not write.
 */
export class ServerLink {
  readonly #options: ServerLinkOptions
  #client: Client | undefined
  #state: 'up' | 'down' | 'ended' = 'down'
  #asking: ReturnType<typeof setInterval> | undefined
  #wake: () => void = () => {}

  constructor(options: ServerLinkOptions) {
    this.#options = options
  }

  /**
   * Connects and takes the lock.
   * @throws AtpError `database_in_use`, or the driver's error when the database cannot be reached
   */
  async open(): Promise<void> {
    const client = await this.#connect(firstConnectMs)
    try {
      if (!(await this.#takeLock(client))) throw this.#inUse()
    } catch (error) {
      destroy(client)
      throw error
    }
    this.#up(client)
  }

  /** Gives the lock back. Idempotent. */
  async close(): Promise<void> {
    this.#state = 'ended'
    clearInterval(this.#asking)
    this.#wake()
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const timer = setTimeout(() => destroy(client), 1_000)
    await client.end()
    clearTimeout(timer)
  }

  #up(client: Client): void {
    this.#state = 'up'
    this.#client = client
    let unanswered = 0
    let asked = false
    client.on('error', (error) => this.#down(client, reasonOf(error)))
    client.on('end', () => this.#down(client, 'the connection ended'))
    this.#asking = setInterval(() => {
      // Turns of the event loop are counted, not time: a process that was held up has answers waiting to be read.
      if (asked) {
        unanswered += 1
        if (unanswered >= maxUnanswered) this.#down(client, 'no answer')
        return
      }
      asked = true
      unanswered = 0
      client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby').then(
        ({ rows }) => {
          asked = false
          if (rows[0]?.standby) this.#down(client, 'it is a standby')
        },
        (error: unknown) => this.#down(client, reasonOf(error)),
      )
    }, askMs)
  }

  #down(client: Client, reason: string): void {
    if (this.#client !== client || this.#state !== 'up') return
    this.#state = 'down'
    this.#client = undefined
    clearInterval(this.#asking)
    destroy(client)
    this.#options.logger.warn('store.unavailable', { reason })
    this.#options.onDown()
    void this.#recover()
  }

  async #recover(): Promise<void> {
    const { logger } = this.#options
    const since = performance.now()
    for (let attempt = 0; this.#state === 'down'; attempt += 1) {
      if (attempt > 0) await this.#pause(Math.min(maxRetryMs, 50 * 2 ** attempt))
      try {
        const regained = await this.#regain()
        if (!regained) continue
        logger.info('store.available', { downMs: Math.round(performance.now() - since) })
        this.#options.onUp()
      } catch (error) {
        logger.debug('store.still_unavailable', { reason: reasonOf(error) })
      }
    }
  }

  /** One attempt to be up again. */
  async #regain(): Promise<boolean> {
    const client = await this.#connect(reconnectMs)
    const timer = setTimeout(() => destroy(client), reconnectMs + lockPatienceMs)
    try {
      // Connections of ours that the network lost may be alive at the other end, with the lock and locks of rows.
      await client.query(endSessionsSql, [this.#options.sessionName])
      const taken = await this.#takeLock(client)
      if (this.#state === 'down' && taken) {
        this.#up(client)
        return true
      }
      const { rows } = await client.query<{ name: string | null }>(lockHolderSql, [this.#options.lockKey])
      destroy(client)
      const [holder] = rows
      // Free by now, or still held by a connection of ours that takes its time to end: tried again.
      if (this.#state !== 'down' || holder === undefined || holder.name === this.#options.sessionName) return false
      this.#state = 'ended'
      this.#options.onLost(this.#inUse())
      return false
    } catch (error) {
      destroy(client)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #connect(timeoutMs: number): Promise<Client> {
    const { address, sessionSql } = this.#options
    const client = new Client(connectionConfig(address, timeoutMs))
    client.on('error', () => {})
    const timer = setTimeout(() => destroy(client), timeoutMs * 2)
    try {
      await client.connect()
      await client.query(sessionSql)
      return client
    } catch (error) {
      destroy(client)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #takeLock(client: Client): Promise<boolean> {
    const deadline = performance.now() + lockPatienceMs
    for (;;) {
      const { rows } = await client.query<{ taken: boolean }>(tryLockSql, [this.#options.lockKey])
      if (rows[0]?.taken) return true
      if (performance.now() >= deadline || this.#state === 'ended') return false
      await this.#pause(50)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #inUse(): AtpError {
    const { shown, schema } = this.#options.address
    return new AtpError(
      'database_in_use',
      `Another ATP server uses the database ${shown} (schema "${schema}"): one server per database is supported ` +
        'until a bus is configured. Stop it, or choose another database or schema',
    )
  }
}

/** Ends a connection without a word: nobody may be there to hear it. */
function destroy(client: Client): void {
  client.connection.stream.destroy()
}
