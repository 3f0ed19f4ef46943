/** Counts events by name in fixed windows: cheap, exact enough to stop a flood, and forgets by itself. */
export class RateWindow {
  readonly #max: number
  readonly #windowMs: number
  readonly #now: () => number
  #counts = new Map<string, number>()
  #windowStart: number

  /** @param max events of one name within `windowMs`. */
  constructor(max: number, windowMs: number, now: () => number = () => performance.now()) {
    this.#max = max
    this.#windowMs = windowMs
    this.#now = now
    this.#windowStart = now()
  }

  /** Counts one event. Returns 0, or the milliseconds until the next is allowed. */
  take(name: string): number {
    const now = this.#now()
    if (now - this.#windowStart >= this.#windowMs) {
      this.#windowStart = now
      this.#counts = new Map()
    }
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    return count <= this.#max ? 0 : Math.max(1, this.#windowStart + this.#windowMs - now)
  }
}
