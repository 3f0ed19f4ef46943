/** How many ids are remembered at most, unless told otherwise. */
const defaultLimit = 100_000

/**
 * Remembers ids for a while, so that a request is not taken twice. Of more than `limit` ids the oldest are forgotten
 * early: their number must not fill the memory.
 */
export class SeenIds {
  /** When each was seen; a Map keeps them in that order. */
  readonly #seenAt = new Map<string, number>()
  readonly #lifeMs: number
  readonly #limit: number

  constructor(lifeMs: number, limit: number = defaultLimit) {
    this.#lifeMs = lifeMs
    this.#limit = limit
  }

  /** Remembers an id; false when it is remembered already. */
  add(id: string): boolean {
    const now = performance.now()
    for (const [oldest, seenAt] of this.#seenAt) {
      if (seenAt > now - this.#lifeMs && this.#seenAt.size < this.#limit) break
      this.#seenAt.delete(oldest)
    }
    if (this.#seenAt.has(id)) return false
    this.#seenAt.set(id, now)
    return true
  }
}
