/** Tells once when nothing happened for a time. One timer, which a busy toolkit does not touch. */
export class ToolkitIdle {
  readonly #idleMs: number
  readonly #isBusy: () => boolean
  readonly #onIdle: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When something happened last, on the monotonic clock. */
  #lastAt = 0

  /** @param idleMs 0 never tells */
  constructor(idleMs: number, isBusy: () => boolean, onIdle: () => void) {
    this.#idleMs = idleMs
    this.#isBusy = isBusy
    this.#onIdle = onIdle
  }

  /** Begins to watch, unless it does already. */
  start(): void {
    if (this.#idleMs === 0 || this.#timer !== undefined) return
    this.#watch(this.#idleMs)
    this.touch()
  }

  /** Something happens. */
  touch(): void {
    if (this.#timer !== undefined) this.#lastAt = performance.now()
  }

  /** Ends watching. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #watch(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const leftMs = this.#isBusy() ? this.#idleMs : this.#lastAt + this.#idleMs - performance.now()
      if (leftMs > 0) {
        this.#watch(leftMs)
        return
      }
      this.#timer = undefined
      this.#onIdle()
    }, delayMs)
  }
}
