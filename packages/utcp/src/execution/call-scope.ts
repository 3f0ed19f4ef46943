import { UtcpError } from '../errors/utcp-error.ts'

/** Tells everything that runs that the client closes. An event target would cost more than the rest of a small call. */
export class Closing {
  readonly #listeners = new Set<() => void>()
  /** The error that work ends with; undefined while the client is open. */
  reason: UtcpError | undefined

  add(listener: () => void): void {
    this.#listeners.add(listener)
  }

  delete(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** The first reason stays. */
  close(reason: UtcpError): void {
    this.reason ??= reason
    for (const listener of [...this.#listeners]) listener()
  }
}

/** What ends a call before it is done: its time, its caller, its client. */
export interface CallScope {
  /** Aborts with a `UtcpError`: `timeout`, `cancelled` or `client_closed`. */
  readonly signal: AbortSignal
  /** What is left, in milliseconds; undefined without a time limit. */
  remainingMs(): number | undefined
  /** Obligation: to be called when the call is over. */
  end(): void
}

/** What a {@link CallScope} is made of. */
export interface CallScopeOptions {
  timeoutMs: number | undefined
  /** The caller's. */
  signal: AbortSignal | undefined
  closing: Closing
  /** Names the work in errors, such as `The call of "weather.today"`. */
  what: string
}

/** Begins the time of a call. */
export function openCallScope({ timeoutMs, signal, closing, what }: CallScopeOptions): CallScope {
  const controller = new AbortController()
  const onCancel = (): void =>
    controller.abort(new UtcpError('cancelled', `${what} was cancelled by its caller`, { cause: signal?.reason }))
  const onClose = (): void => controller.abort(closing.reason)
  const endsAt = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
  const onTime = (): void => controller.abort(new UtcpError('timeout', `${what} took longer than ${timeoutMs} ms`))
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTime, timeoutMs)
  closing.add(onClose)
  if (closing.reason !== undefined) onClose()
  else if (signal?.aborted) onCancel()
  else signal?.addEventListener('abort', onCancel, { once: true })
  return {
    signal: controller.signal,
    remainingMs: () => (endsAt === undefined ? undefined : Math.max(0, Math.ceil(endsAt - performance.now()))),
    end() {
      clearTimeout(timer)
      closing.delete(onClose)
      signal?.removeEventListener('abort', onCancel)
    },
  }
}

/**
 * Waits for work, but no longer than until the signal aborts; then its reason is thrown, whatever the work says, and the
 * work is left alone.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
    work.then(
      (value) => {
        signal.removeEventListener('abort', stop)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', stop)
        reject(error)
      },
    )
  })
}
