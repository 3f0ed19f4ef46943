/** Runs work of one key after each other, in the order in which it was asked for; work of other keys is not held up. */
export class KeyedLock {
  readonly #last = new Map<string, Promise<unknown>>()

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.then(
      () => {},
      () => {},
    )
    this.#last.set(key, settled)
    try {
      return await mine
    } finally {
      // Whoever came last forgets the key.
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }

  /** Resolves when all work that was asked for so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
