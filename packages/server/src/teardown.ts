/** What a server has opened, closed in reverse order: whatever still uses a part is closed before it. */
export class Teardown {
  readonly #closers: (() => unknown)[] = []

  /** Notes how to close what was just opened. */
  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  /**
   * Closes everything, one after the other; doing it again does nothing. One part that cannot be closed does not keep
   * the others open: the first failure is thrown when all is done.
   */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
