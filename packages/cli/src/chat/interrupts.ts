import type { CliIo } from '../cli-io.ts'
import { InterruptedError } from '../exit-errors.ts'

/** What Ctrl-C does: it aborts what runs, and pressed again it ends the command without waiting for that. */
export interface Interrupts {
  /**
   * Runs `work` with a signal that Ctrl-C aborts.
   * @throws what `work` throws; InterruptedError when that happens after Ctrl-C, and at once when Ctrl-C comes again
   */
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** As if Ctrl-C had been pressed; for terminals in raw mode, where it is a key like others. */
  press(): void
  /** Gives Ctrl-C back. */
  release(): void
}

/** npm, the terminal and whatever starts the command may all pass the same Ctrl-C on. */
const sameMs = 200

/** Takes Ctrl-C over. */
export function createInterrupts(
  io: Pick<CliIo, 'onInterrupt'>,
  now: () => number = () => performance.now(),
): Interrupts {
  let running: { abort: AbortController; give: (error: Error) => void } | undefined
  let last = Number.NEGATIVE_INFINITY

  function press(): void {
    if (running === undefined) return
    if (running.abort.signal.aborted) running.give(new InterruptedError('Interrupted'))
    else running.abort.abort(new InterruptedError('Interrupted; what ran was cancelled'))
  }

  const release = io.onInterrupt(() => {
    const since = now() - last
    last = now()
    if (since >= sameMs) press()
  })

  return {
    async run(work) {
      const outer = running
      const abort = new AbortController()
      const given = Promise.withResolvers<never>()
      running = { abort, give: given.reject }
      try {
        return await Promise.race([work(abort.signal), given.promise])
      } catch (error) {
        throw abort.signal.aborted ? abort.signal.reason : error
      } finally {
        running = outer
      }
    },
    press,
    release,
  }
}
