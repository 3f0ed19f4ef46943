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
  /** Most calls have one listener at most, and need no list. */
  #listener: (() => void) | undefined
  #others: Set<() => void> | undefined

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === undefined) this.#listener = listener
    else {
      this.#others ??= new Set()
      this.#others.add(listener)
    }
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
    else this.#others?.delete(listener)
  }

  /** The first reason stays. */
  cancel(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#listener?.()
    for (const listener of this.#others ?? []) listener()
  }
}
