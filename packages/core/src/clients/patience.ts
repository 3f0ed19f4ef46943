import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { type BackoffOptions, backoffDelayMs, retryAfterMs, sleep } from '../transport/backoff.ts'

/** What ends a wait before its time. */
export interface PauseSignals {
  /** The caller's own. */
  signal?: AbortSignal | undefined
  /** Ends with the client. */
  closed: AbortSignal
}

/** Waits for `delayMs` milliseconds. @throws AtpError `cancelled`, `client_stopped` when one of the signals aborts */
export async function pause(delayMs: number, { signal, closed }: PauseSignals): Promise<void> {
  await sleep(delayMs, signal ? AbortSignal.any([signal, closed]) : closed)
  if (signal?.aborted) throw cancelledError(signal.reason)
  if (closed.aborted) throw new AtpError('client_stopped', 'The client was closed')
}

/** How long a server may be out of reach, in milliseconds. */
const maxSilenceMs = 30_000

/** The longest wait between two attempts: more would leave few of them within {@link maxSilenceMs}. */
const maxDelayMs = 5_000

/** What a {@link Patience} goes by. */
export interface PatienceOptions extends PauseSignals {
  backoff: BackoffOptions
  /** When nothing is worth waiting for any more, on the monotonic clock, in milliseconds. */
  deadline: number
}

/** Asks again where the server is out of reach, with full jitter, for 30 s at a time and until the deadline. */
export class Patience {
  readonly #options: PatienceOptions
  #attempt = 0
  /** When the server got out of reach. */
  #since: number | undefined

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** The server answered. */
  reached(): void {
    this.#attempt = 0
    this.#since = undefined
  }

  /** Waits before the next attempt. @throws `error` where there is none; `cancelled`, `client_stopped` */
  async wait(error: unknown): Promise<void> {
    if (!isOutOfReach(error)) throw error
    const { backoff, deadline } = this.#options
    const now = performance.now()
    this.#since ??= now
    const delayMs = delayBefore(this.#attempt, error, backoff)
    if (now + delayMs > Math.min(deadline, this.#since + maxSilenceMs)) throw error
    this.#attempt += 1
    await pause(delayMs, this.#options)
  }
}

/** How long to wait after a failure, in milliseconds. */
export function delayBefore(attempt: number, error: AtpError, backoff: BackoffOptions): number {
  return backoffDelayMs(attempt, { maxMs: maxDelayMs, ...backoff }) + retryAfterMs(error)
}

/** Whether the server could not be asked, rather than having answered. */
function isOutOfReach(error: unknown): error is AtpError {
  return isAtpError(error) && outOfReach.has(error.code)
}

const outOfReach = new Set<AtpError['code']>([
  'connection_failed',
  'connection_closed',
  'server_shutting_down',
  'store_unavailable',
  'rate_limited',
])
