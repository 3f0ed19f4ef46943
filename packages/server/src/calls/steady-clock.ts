/**
 * Milliseconds since 1970 as this process began to count them: a clock that is set while it runs ends no deadline early
 * and keeps no lease alive.
 */
export function steadyNow(): number {
  return Math.round(startedAt + performance.now())
}

const startedAt = Date.now() - performance.now()
