import { type ErrorCode, isAtpError, type Logger } from '@atp/core'
import type { CallLogStore, CallRecord } from '../store/store.ts'
import { type Call, statusOf } from './call.ts'

/** How the call log writes. */
export interface CallLogOptions {
  store: CallLogStore
  logger: Logger
  /** @default 50 */
  flushMs?: number
  /** @default 4_096 */
  flushRows?: number
  /** Rows that wait at most; more are dropped and counted. @default 65_536 */
  maxRows?: number
  /** How soon a batch is tried again that the store was not there for. @default 500 */
  retryMs?: number
  /** Of lost rows one line is logged at once and then one in this time, with their number. @default 10_000 */
  reportMs?: number
  /** Hears of every ended call, also of one whose row is dropped. Must be cheap, and must not throw. */
  onCall?: ((call: CallRecord) => void) | undefined
}

/** Writes ended calls in batches: nobody waits for the log, and a log that cannot keep up never holds a call up. */
export class CallLog {
  readonly #store: CallLogStore
  readonly #logger: Logger
  readonly #flushMs: number
  readonly #flushRows: number
  readonly #maxRows: number
  readonly #retryMs: number
  readonly #reportMs: number
  readonly #onCall: CallLogOptions['onCall']
  #rows: CallRecord[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> | undefined
  /** The store was not there: full batches wait for the timer, too. */
  #postponed = false
  #dropped = 0
  /** How many of `#dropped` have been logged. */
  #reported = 0
  #reporting: ReturnType<typeof setTimeout> | undefined
  #lastFailure: string | undefined

  constructor(options: CallLogOptions) {
    this.#store = options.store
    this.#logger = options.logger
    this.#flushMs = options.flushMs ?? 50
    this.#flushRows = options.flushRows ?? 4_096
    this.#maxRows = options.maxRows ?? 65_536
    this.#retryMs = options.retryMs ?? 500
    this.#reportMs = options.reportMs ?? 10_000
    this.#onCall = options.onCall
  }

  /** How many rows were lost since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Notes an ended call. @param errorCode that of the outcome that holds: it may be another one than the call's own */
  add(call: Call, delivery: CallRecord['delivery'], errorCode: ErrorCode | null): void {
    const record: CallRecord = {
      id: call.id,
      projectId: call.key.projectId,
      keyId: call.key.id,
      toolkitId: call.toolkit.id,
      toolkitName: call.toolkit.appName,
      tool: call.tool.name,
      delivery,
      status: errorCode === null ? 'succeeded' : statusOf({ code: errorCode }),
      errorCode,
      startedAt: call.startedAt,
      durationMs: Math.round(call.elapsedMs * 1_000) / 1_000,
    }
    this.#onCall?.(record)
    if (this.#rows.length >= this.#maxRows) {
      this.#drop(1, `${this.#maxRows} rows wait already`)
      return
    }
    this.#rows.push(record)
    if (this.#rows.length >= this.#flushRows && !this.#postponed) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), this.#flushMs)
  }

  /**
   * Writes all that waits. Never rejects: while the store is unavailable rows wait for the next attempt, what cannot be
   * written otherwise is dropped, counted and reported.
   */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#postponed = false
    if (this.#writing !== undefined) {
      await this.#writing
      if (this.#rows.length > 0) await this.flush()
      return
    }
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
    })
    await this.#writing
  }

  /** Writes all that waits, for the last time. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
    if (this.#rows.length > 0) this.#drop(this.#rows.splice(0).length, 'the store is unavailable')
    clearTimeout(this.#reporting)
    this.#reporting = undefined
    this.#report()
  }

  async #write(): Promise<void> {
    while (this.#rows.length > 0) {
      const rows = this.#rows.splice(0, this.#flushRows)
      try {
        await this.#store.append(rows)
      } catch (error) {
        if (isAtpError(error) && error.code === 'store_unavailable') return this.#postpone(rows)
        this.#drop(rows.length, String(error))
      }
    }
  }

  /** A batch of which it is not known whether it was written may be written again. */
  #postpone(rows: CallRecord[]): void {
    this.#rows = rows.concat(this.#rows)
    this.#postponed = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), this.#retryMs)
  }

  #drop(rows: number, reason: string): void {
    this.#dropped += rows
    this.#lastFailure = reason
    if (this.#reporting !== undefined) return
    this.#report()
    this.#reporting = setTimeout(() => this.#reportAgain(), this.#reportMs)
    this.#reporting.unref()
  }

  #reportAgain(): void {
    const more = this.#reported < this.#dropped
    this.#report()
    // A quiet period ends it: the next row that is lost is told at once again.
    this.#reporting = more ? setTimeout(() => this.#reportAgain(), this.#reportMs).unref() : undefined
  }

  /** A log that cannot keep up must not fill another one: thousands of rows a second can be lost. */
  #report(): void {
    const rows = this.#dropped - this.#reported
    if (rows === 0) return
    this.#reported = this.#dropped
    this.#logger.error('call_log.rows_dropped', { rows, sinceStart: this.#dropped, reason: this.#lastFailure })
  }
}
