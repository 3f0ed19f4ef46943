import { isAtpError, type Logger } from '@atp/core'

/**
 * Logs what must not happen, whole, as `gateway.defect`: peers learn only that there was an internal error. A refusal
 * that has a code of its own is no defect, and nothing is logged of it.
 */
export function logDefect(logger: Logger, error: unknown, fields: Record<string, unknown> = {}): void {
  if (isAtpError(error) && error.code !== 'internal_error') return
  logger.error('gateway.defect', { ...fields, error: (error instanceof Error && error.stack) || String(error) })
}
