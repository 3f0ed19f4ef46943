import { setTimeout as sleep } from 'node:timers/promises'
import type { CallerPlan } from './caller-plan.ts'

/**
 * Returns what waits until the next call is to be sent. A caller that keeps a number under way also pauses for a moment
 * where calls end at once: what is refused must not become a busy loop.
 */
export function createPace({ pace }: Pick<CallerPlan, 'pace'>): (running: ReadonlySet<Promise<void>>) => Promise<void> {
  if ('concurrency' in pace) {
    return async (running) => {
      await sleep(1)
      while (running.size >= pace.concurrency) await Promise.race(running)
    }
  }
  const betweenMs = 1_000 / pace.perSecond
  let due = performance.now()
  return async () => {
    due += betweenMs
    const waitMs = due - performance.now()
    // Timers are no finer than a millisecond: what is due is sent at once, and a late one does not delay the next.
    if (waitMs > 0) await sleep(waitMs)
  }
}
