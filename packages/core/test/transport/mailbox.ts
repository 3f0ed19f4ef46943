/** Hands values to those who wait for them, in order; remembers all that ever came. */
export class Mailbox<T> {
  readonly all: T[] = []
  readonly #untaken: T[] = []
  readonly #waiters: ((value: T) => void)[] = []

  push(value: T): void {
    this.all.push(value)
    const waiter = this.#waiters.shift()
    if (waiter) waiter(value)
    else this.#untaken.push(value)
  }

  /** The oldest value that nobody took yet, or the next to come. */
  next(): Promise<T> {
    if (this.#untaken.length > 0) return Promise.resolve(this.#untaken.shift() as T)
    return new Promise((resolve) => this.#waiters.push(resolve))
  }
}
