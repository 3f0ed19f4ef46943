import { startTimer } from './timer.ts'

/** What ends one call before its time: its caller, or its time limit. */
export interface CallClock {
  /** Aborts with the caller's reason, or with the error of the time limit. */
  signal: AbortSignal
  /** The call is over: lets go of timer and caller. */
  end(): void
}

/** Starts the time limit of one call, which holds until {@link CallClock.end}. */
export function startCallClock(caller: AbortSignal | null | undefined, limitMs: number, late: () => Error): CallClock {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(caller?.reason)
  const timer = startTimer(() => controller.abort(late()), limitMs)
  if (caller?.aborted) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}
