/** The part of an `AbortSignal` that the run path reads. */
export interface CancelSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** A {@link CancelSignal} and its switch in one small object; an AbortController for each call costs more than the call. */
export class Cancellation implements CancelSignal {
  aborted = false
  reason: unknown
  #listener: (() => void) | undefined

  /** Holds one listener, which is all the run path needs. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  /** The first reason stays. */
  cancel(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#listener?.()
  }
}
