import { setTimeout as wait } from 'node:timers/promises'

/** How long a change waits for another process that is writing to the same file, in milliseconds (rule D1). */
export const busyTimeoutMs = 5_000

/**
 * Runs `action` again while another connection holds the lock it needs, for `timeoutMs`, then lets SQLite's error
 * through. Any other error is let through at once.
 *
 * SQLite's own `busy_timeout` sleeps on the event loop: it would stop every socket of the server, and for ever wait for
 * a transaction of another handle in the same process.
 */
export async function retryWhileBusy<T>(action: () => T, timeoutMs: number = busyTimeoutMs): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (let attempt = 0; ; attempt += 1) {
    try {
      return action()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    // Random, so that two waiters do not keep meeting.
    await wait(Math.random() * Math.min(50, 2 ** attempt))
  }
}

/** Whether SQLite refused because another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  // The extended code's lowest byte is the primary one: SQLITE_BUSY.
  return sqliteCode(error) === 5
}

/** SQLite's primary error code, or undefined for an error that is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}
