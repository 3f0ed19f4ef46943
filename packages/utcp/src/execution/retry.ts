import { backoffDelayMs } from '@atp/core/protocol'
import { isUtcpError } from '../errors/utcp-error.ts'

/** How often and after which waits a failed call is tried again. */
export interface RetryOptions {
  /** How many tries follow the first one. @default 2 */
  readonly attempts?: number
  /** The upper bound of the first wait in milliseconds; each next one is twice as long (rule T10: full jitter). @default 500 */
  readonly baseMs?: number
  /** No wait is longer than this many milliseconds. @default 30_000 */
  readonly maxMs?: number
  /** @default Math.random */
  readonly random?: () => number
}

/** In any {@link budgetWindowMs}, this many retries are free and above that one call in ten may be one (rule X6). */
const freeRetries = 10
const budgetWindowMs = 10_000

/** Decides whether a failed call is tried again, for all calls of one client. */
export class RetryPolicy {
  readonly #options: RetryOptions
  #windowStart = 0
  #calls = 0
  #retries = 0

  constructor(options: RetryOptions) {
    this.#options = options
  }

  /** Counts a call, of which some may be tried again. */
  countCall(): void {
    this.#turnWindow()
    this.#calls += 1
  }

  /**
   * How long to wait before the next try, or undefined when there shall be none.
   * @param attempt how many tries failed before this one
   * @param remainingMs what is left of the call's time
   */
  delayMs(error: unknown, attempt: number, remainingMs: number | undefined): number | undefined {
    const { attempts = 2 } = this.#options
    if (attempt >= attempts || !isUtcpError(error) || !error.retryable) return undefined
    const delay = Math.max(backoffDelayMs(attempt, this.#options), error.retryAfterMs ?? 0)
    if (remainingMs !== undefined && delay >= remainingMs) return undefined
    this.#turnWindow()
    if (this.#retries >= Math.max(freeRetries, this.#calls / 10)) return undefined
    this.#retries += 1
    return delay
  }

  #turnWindow(): void {
    const now = performance.now()
    if (now - this.#windowStart < budgetWindowMs) return
    this.#windowStart = now
    this.#calls = 0
    this.#retries = 0
  }
}
