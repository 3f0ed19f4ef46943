import type { DevView } from './dev-events.ts'

/** A view that also tells when no call came or ran for some time. */
export interface IdleView {
  view: DevView
  /** Resolves once that has happened. */
  readonly idle: Promise<void>
  stop(): void
}

/**
 * Begins to wait when the tools can be called. Calls of all toolkits count together: one that is quiet must not go while
 * others work.
 */
export function withIdleTimer(view: DevView, timeoutMs: number): IdleView {
  const idle = Promise.withResolvers<void>()
  let running = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = (): void => clearTimeout(timer)
  const wait = (): void => {
    stop()
    if (running === 0) timer = setTimeout(idle.resolve, timeoutMs)
  }
  const watching: DevView = {
    ...view,
    show(event) {
      view.show(event)
      if (event.type === 'ready') wait()
    },
    started(call) {
      running += 1
      stop()
      view.started(call)
    },
    ended(call, outcome, durationMs) {
      running -= 1
      wait()
      view.ended(call, outcome, durationMs)
    },
  }
  return { view: watching, idle: idle.promise, stop }
}
