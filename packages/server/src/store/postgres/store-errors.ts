import { isAtpError } from '@atp/core'
import { storeUnavailable } from '../store-unavailable.ts'

/** A driver's error as the store's callers see it: the same for every way a database can be gone, or as it is. */
export function toStoreError(error: unknown): unknown {
  return isAtpError(error) || !isUnavailable(error) ? error : storeUnavailable(error)
}

/** Whether an error says that this connection is of no use any more. */
export function isConnectionLost(error: unknown): boolean {
  return isUnavailable(error) && sqlState(error) !== queryCancelled
}

/** Why the database could not be reached, for logs and for whoever starts a server. */
export function reasonOf(error: unknown): string {
  // Where a name has several addresses the message is empty and the code says it.
  const { message, code } = error as Partial<NodeJS.ErrnoException>
  return message || code || String(error)
}

/** A statement took longer than it may. */
const queryCancelled = '57014'

/**
 * Connections (08), logins (28), a database that is gone (3D), too few resources (53), a server that stops (57) or
 * cannot read its disk (58), and one that became a standby, which takes no changes.
 */
const unavailableStates = /^(?:08|28|53|57|58|3D000$|25006$)/

/** What the driver says of its own connection and pool; these errors have no code. */
const driverMessages =
  /^(?:Connection terminated|Client (?:has encountered|was closed)|timeout e|Cannot use a pool|Query read timeout)/

function isUnavailable(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return unavailableStates.test(state)
  if (!(error instanceof Error)) return false
  // Of the system: ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, ENOTFOUND and so on.
  const { code, syscall } = error as NodeJS.ErrnoException
  return syscall !== undefined || /^E[A-Z]/.test(code ?? '') || driverMessages.test(error.message)
}

/** The SQLSTATE of an error that the database reported, or undefined for any other error. */
function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined
}
