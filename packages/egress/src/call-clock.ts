import { startTimer } from './timer.ts'

/**
 * What ends one call before its time: its caller, or its time limit. It tells a single listener, since every signal of
 * one's own between caller and connection would cost more than the rest of a small call.
 */
export class CallClock {
  /** Whether the call was ended, by {@link reason}. Letting go of the clock is no end. */
  isOver = false
  /** The caller's reason, or the error of the time limit. */
  reason: unknown
  readonly #caller: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  #listener: (() => void) | undefined

  /** Starts the time limit, which holds until {@link stop}. */
  constructor(caller: AbortSignal | null | undefined, limitMs: number, late: () => Error) {
    this.#caller = caller ?? undefined
    this.#timer = startTimer(() => this.#over(late()), limitMs)
    if (this.#caller?.aborted) this.#onAbort()
    else this.#caller?.addEventListener('abort', this.#onAbort)
  }

  /** Throws the reason if the call was ended. */
  check(): void {
    if (this.isOver) throw this.reason
  }

  /** Calls `listener` when the call is ended, in place of the one before. Throws the reason when that has happened. */
  tell(listener: () => void): void {
    this.check()
    this.#listener = listener
  }

  /** The call is over: lets go of timer and caller. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#onAbort)
    this.#listener = undefined
  }

  readonly #onAbort = (): void => this.#over(this.#caller?.reason)

  #over(reason: unknown): void {
    if (this.isOver) return
    this.isOver = true
    this.reason = reason
    const listener = this.#listener
    this.stop()
    listener?.()
  }
}
