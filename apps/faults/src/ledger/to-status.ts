import { isAtpError } from '@atp/core'
import type { Status } from './ledger-entry.ts'

/** The call was refused, or given back, before any toolkit could run it. */
const notRun = new Set([
  'toolkit_offline',
  'busy',
  'server_shutting_down',
  'delivery_failed',
  'queue_full',
  'store_unavailable',
  'rate_limited',
  'unauthorized',
])

/**
 * What a failure says of a call.
 * @param overHttp whether one request carried the call: a connection that failed may then have carried it there
 */
export function toStatus(error: unknown, overHttp: boolean): Status {
  const code = isAtpError(error) ? error.code : 'internal_error'
  if (notRun.has(code)) return 'not_run'
  switch (code) {
    case 'deadline_exceeded':
      return 'timed_out'
    case 'cancelled':
      return 'cancelled'
    case 'toolkit_disconnected':
    case 'outcome_unknown':
      return 'outcome_unknown'
    case 'connection_closed':
    case 'client_stopped':
    case 'protocol_error':
      return 'lost_connection'
    case 'connection_failed':
      return overHttp ? 'lost_connection' : 'not_run'
    case 'idempotency_in_progress':
      return 'in_progress'
    default:
      return 'failed'
  }
}
