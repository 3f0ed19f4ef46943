import { UtcpError } from '../errors/utcp-error.ts'

/** Lets a number of calls run at once; others wait their turn, first come, first served. */
export class ConcurrencyLimit {
  readonly #limit: number
  readonly #maxWaiting: number
  #running = 0
  /** A Set keeps the order, and a call that gives up leaves it at once. */
  readonly #waiting = new Set<() => void>()

  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit
    this.#maxWaiting = maxWaiting
  }

  /**
   * Takes a slot and returns what gives it back; giving back twice is fine.
   * @throws UtcpError `busy` when too many wait already, or the signal's reason
   */
  acquire(signal: AbortSignal): Promise<() => void> | (() => void) {
    if (this.#running < this.#limit) return this.#take()
    if (this.#waiting.size >= this.#maxWaiting) {
      throw new UtcpError(
        'busy',
        `${this.#running} calls run and ${this.#waiting.size} wait: try again later, or raise maxConcurrency or maxQueued`,
      )
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(enter)
        reject(signal.reason as Error)
      }
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve(this.#take())
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #take(): () => void {
    this.#running += 1
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#running -= 1
      const [next] = this.#waiting
      if (next === undefined) return
      this.#waiting.delete(next)
      next()
    }
  }
}
