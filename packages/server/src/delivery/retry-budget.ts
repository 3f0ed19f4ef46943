const windowMs = 10_000
const slots = 10

/** How a {@link RetryBudget} counts. */
export interface RetryBudgetOptions {
  /** Which part of the calls may be sent again. @default 0.1 */
  ratio?: number | undefined
  /** So many may be in any case, or a server with little to do could never send one again. @default 10 */
  minimum?: number | undefined
  /** Monotonic milliseconds. @default `performance.now` */
  now?: (() => number) | undefined
}

/**
 * Says whether one more call may be sent again: at most a tenth of the calls of the last ten seconds (rule X6), so that
 * toolkits that fall one after the other are not buried under repetitions.
 */
export class RetryBudget {
  readonly #ratio: number
  readonly #minimum: number
  readonly #now: () => number
  readonly #calls = new Uint32Array(slots)
  readonly #retries = new Uint32Array(slots)
  /** Which slice of time the newest slot stands for. */
  #slice = 0

  constructor({ ratio = 0.1, minimum = 10, now = () => performance.now() }: RetryBudgetOptions = {}) {
    this.#ratio = ratio
    this.#minimum = minimum
    this.#now = now
  }

  /** A call was sent for the first time. */
  count(): void {
    const slot = this.#slot()
    this.#calls[slot] = (this.#calls[slot] ?? 0) + 1
  }

  /** Takes one repetition out of the budget; false when there is none left. */
  take(): boolean {
    const slot = this.#slot()
    if (sum(this.#retries) >= Math.max(this.#minimum, Math.floor(sum(this.#calls) * this.#ratio))) return false
    this.#retries[slot] = (this.#retries[slot] ?? 0) + 1
    return true
  }

  #slot(): number {
    const slice = Math.floor(this.#now() / (windowMs / slots))
    const passed = Math.min(slice - this.#slice, slots)
    for (let step = 1; step <= passed; step += 1) {
      const slot = (this.#slice + step) % slots
      this.#calls[slot] = 0
      this.#retries[slot] = 0
    }
    // After a long pause the loop has emptied every slot, whichever it began with.
    this.#slice = Math.max(slice, this.#slice)
    return this.#slice % slots
  }
}

function sum(counts: Uint32Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
