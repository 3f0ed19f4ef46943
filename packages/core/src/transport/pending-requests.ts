import type { AtpError } from '../errors/atp-error.ts'

interface Waiter<T> {
  resolve(value: T): void
  reject(error: AtpError): void
  /** Monotonic milliseconds (rule X1): a clock that is set right must not end every call. */
  expiresAt: number
  onExpire: () => AtpError
}

const sweepMs = 500

/**
 * Requests that wait for their answer, by id. One timer serves all: the peer keeps exact deadlines, this is the
 * safety net for a peer that never answers.
 */
export class PendingRequests<T> {
  readonly #waiters = new Map<string, Waiter<T>>()
  #timer: ReturnType<typeof setInterval> | undefined

  get size(): number {
    return this.#waiters.size
  }

  /**
   * Waits for the answer to a request. Obligation: nobody waits for `id` yet.
   * @param timeoutMs after which `onExpire` says what the request is rejected with; up to half a second late.
   */
  wait(id: string, timeoutMs: number, onExpire: () => AtpError): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject, expiresAt: performance.now() + timeoutMs, onExpire })
      this.#timer ??= setInterval(() => this.#sweep(), sweepMs)
    })
  }

  /** Returns whether somebody waited: late and unknown answers are told apart by that. */
  resolve(id: string, value: T): boolean {
    const waiter = this.#take(id)
    waiter?.resolve(value)
    return waiter !== undefined
  }

  /** Returns whether somebody waited. */
  reject(id: string, error: AtpError): boolean {
    const waiter = this.#take(id)
    waiter?.reject(error)
    return waiter !== undefined
  }

  /** Rejects everybody at once, each with an error of its own. */
  rejectAll(makeError: () => AtpError): void {
    for (const id of [...this.#waiters.keys()]) this.reject(id, makeError())
    this.#stopTimer()
  }

  #take(id: string): Waiter<T> | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    return waiter
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #sweep(): void {
    // Stopping with the last answer would make and clear a timer for each call of a sequential caller.
    if (this.#waiters.size === 0) {
      this.#stopTimer()
      return
    }
    const now = performance.now()
    for (const [id, waiter] of this.#waiters) if (waiter.expiresAt <= now) this.reject(id, waiter.onExpire())
  }
}
