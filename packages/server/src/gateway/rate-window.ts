/** Names counted apart within one window, unless told otherwise. */
const defaultMaxNames = 10_000

/** Counts events by name in fixed windows: cheap, exact enough to stop a flood, and forgets by itself. */
export class RateWindow {
  readonly #max: number
  readonly #windowMs: number
  readonly #now: () => number
  readonly #maxNames: number
  #counts = new Map<string, number>()
  #windowStart: number

  /**
   * @param max events of one name within `windowMs`.
   * @param maxNames names that are counted apart; further ones within a window share one count, so that a flood of
   * names costs no memory. @default 10_000
   */
  constructor(
    max: number,
    windowMs: number,
    { now = () => performance.now(), maxNames = defaultMaxNames }: { now?: () => number; maxNames?: number } = {},
  ) {
    this.#max = max
    this.#windowMs = windowMs
    this.#now = now
    this.#maxNames = maxNames
    this.#windowStart = now()
  }

  /** Counts one event. Returns 0, or the milliseconds until the next is allowed. */
  take(name: string): number {
    const now = this.#now()
    if (now - this.#windowStart >= this.#windowMs) {
      this.#windowStart = now
      this.#counts = new Map()
    }
    // No name begins like this: what cannot be counted apart is counted together.
    const counted = this.#counts.size < this.#maxNames || this.#counts.has(name) ? name : '\0others'
    const count = (this.#counts.get(counted) ?? 0) + 1
    this.#counts.set(counted, count)
    return count <= this.#max ? 0 : Math.max(1, this.#windowStart + this.#windowMs - now)
  }
}
