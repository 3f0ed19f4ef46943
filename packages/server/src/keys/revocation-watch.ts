import { isAtpError, type Logger } from '@atp/core'
import type { MessageBus } from '../bus/message-bus.ts'
import type { KeyStore } from '../store/store.ts'

/** What {@link watchRevocations} needs. */
export interface RevocationWatchOptions {
  keys: KeyStore
  bus: MessageBus
  logger: Logger
  /** @default 2_000 */
  intervalMs?: number
  /** Milliseconds since 1970. @default `Date.now` */
  now?: () => number
}

/** Looks back this far, for revocations that were committed by a process with another clock. */
const overlapMs = 5_000

/**
 * Tells the bus of keys that another process revoked in the same store, such as `atp keys revoke --data`: their sockets
 * have to be closed within five seconds (rule K5).
 */
export function watchRevocations(options: RevocationWatchOptions): { stop(): void } {
  const { keys, bus, logger, intervalMs = 2_000, now = Date.now } = options
  let since = now() - overlapMs
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    try {
      const startedAt = now()
      // A key told twice is closed twice, which changes nothing.
      for (const keyId of await keys.revokedSince(since)) await bus.publish('key.revoked', { keyId })
      since = startedAt - overlapMs
    } catch (error) {
      // The store tells once that its database is gone; this would be said every other second.
      const level = isAtpError(error) && error.code === 'store_unavailable' ? 'debug' : 'error'
      logger[level]('revocations.not_read', { error: String(error) })
    } finally {
      looking = false
    }
  }
  const timer = setInterval(() => void look(), intervalMs)
  return { stop: () => clearInterval(timer) }
}
