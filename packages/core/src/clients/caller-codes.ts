import type { ErrorCode } from '../errors/codes.ts'

/**
 * Failures that lie between the caller and the server rather than in one call or toolkit: no model can react to a key
 * that is refused, an idempotency key that was used before, or a server that is gone.
 */
export const callerCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unauthorized',
  'forbidden',
  'connection_failed',
  'connection_closed',
  'client_stopped',
  'protocol_error',
  'unknown_provider',
  'unsupported',
  'idempotency_mismatch',
  'idempotency_in_progress',
  'cancelled',
])
