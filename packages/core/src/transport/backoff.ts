import type { AtpError } from '../errors/atp-error.ts'

/** How long to wait between attempts to connect. */
export interface BackoffOptions {
  /** The first attempt's upper bound in milliseconds. @default 500 */
  baseMs?: number
  /** No attempt waits longer than this many milliseconds. @default 30_000 */
  maxMs?: number
  /** @default Math.random */
  random?: () => number
}

/** Full jitter (rule T10): a random wait below min(maxMs, baseMs * 2^attempt); attempts count from 0. */
export function backoffDelayMs(attempt: number, options: BackoffOptions = {}): number {
  const { baseMs = 500, maxMs = 30_000, random = Math.random } = options
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))
}

/** What a peer may ask for: also keeps the timer below the 25 days that `setTimeout` takes for one millisecond. */
export const maxRetryAfterMs = 600_000

/** How long the server wants to be left alone, in milliseconds. */
export function retryAfterMs({ details }: AtpError): number {
  const told = details?.retryAfterMs
  return typeof told === 'number' && told > 0 ? Math.min(told, maxRetryAfterMs) : 0
}

/** Resolves after `delayMs` milliseconds, or when `signal` aborts. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // A listener told of this delay may have stopped the client.
    if (signal.aborted) {
      resolve()
      return
    }
    const timer = setTimeout(done, delayMs)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
