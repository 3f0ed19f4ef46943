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
