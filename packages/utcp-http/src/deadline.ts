import { UtcpError } from '@atp/utcp'

/** The longest wait of a timer, in milliseconds. */
const maxTimerMs = 2_147_483_647

/** A time limit within a call. */
export interface Deadline {
  /** Aborts with the caller's reason, or with `timeout`. */
  readonly signal: AbortSignal
  /** Takes the limit away; the caller's signal stays. */
  lift(): void
  /** Obligation: to be called when the work is over. */
  end(): void
}

/** Begins a time limit of `limitMs` below the caller's signal. `what` begins the error's message. */
export function openDeadline(caller: AbortSignal, limitMs: number, what: string): Deadline {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(caller.reason)
  const onTime = (): void => controller.abort(new UtcpError('timeout', `${what} took longer than ${limitMs} ms`))
  const timer = setTimeout(onTime, Math.min(limitMs, maxTimerMs))
  if (caller.aborted) onAbort()
  else caller.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    lift: () => clearTimeout(timer),
    end() {
      clearTimeout(timer)
      caller.removeEventListener('abort', onAbort)
    },
  }
}

/** Waits for work that others wait for, too: an abort ends the wait, not the work. */
export async function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Waits for a time. Rejects with the signal's reason when that aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(ms, maxTimerMs))
    })
    await waitFor(over, signal)
  } finally {
    clearTimeout(timer)
  }
}
