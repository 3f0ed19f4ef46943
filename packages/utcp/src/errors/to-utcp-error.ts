import { isAtpError } from '@atp/core'
import { errorText } from '@atp/core/protocol'
import type { UtcpErrorCode } from './codes.ts'
import { isUtcpError, UtcpError } from './utcp-error.ts'

/** The longest message taken over from a failure that is not ours, in characters. */
const maxMessageLength = 2_000

/** What the codes of ATP, which guarded requests fail with, are called here. */
const fromAtpCode: Readonly<Record<string, UtcpErrorCode>> = {
  egress_refused: 'egress_refused',
  upstream_timeout: 'timeout',
  deadline_exceeded: 'timeout',
  cancelled: 'cancelled',
  upstream_failed: 'connection_failed',
  connection_failed: 'connection_failed',
  connection_closed: 'connection_failed',
  payload_too_large: 'response_too_large',
  result_too_large: 'response_too_large',
}

/** Makes a {@link UtcpError} of whatever a protocol, a repository or a post-processor threw; ours pass as they are. */
export function toUtcpError(error: unknown, fallback: UtcpErrorCode, what: string): UtcpError {
  if (isUtcpError(error)) return error
  const message = `${what}: ${messageOf(error)}`
  if (!isAtpError(error)) return new UtcpError(fallback, message, { cause: error })
  const { code, retryable, details } = error
  return new UtcpError(fromAtpCode[code] ?? fallback, message, {
    cause: error,
    retryable,
    ...(details === undefined ? {} : { details }),
  })
}

/** The message of anything that was thrown, cut to a size fit for a message of ours. */
export function messageOf(error: unknown): string {
  const text = errorText(error)
  return text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength - 1)}…`
}
