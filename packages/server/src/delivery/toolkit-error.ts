import type { ErrorCode, WireError } from '@atp/core'

/** What a toolkit may report of a call. Other codes are about keys and connections, which are not its to judge. */
const toolkitCodes = new Set<ErrorCode>([
  'tool_error',
  'tool_not_found',
  'not_found',
  'unsupported',
  'invalid_request',
  'invalid_params',
  'missing_params',
  'missing_token',
  'invalid_result',
  'result_too_large',
  'deadline_exceeded',
  'cancelled',
  'busy',
  'internal_error',
])

/** The longest details of a toolkit's error, as characters of JSON. */
const maxDetailsLength = 65_536

/** Whether a code is one that a toolkit may report. */
export function isToolkitCode(code: ErrorCode): boolean {
  return toolkitCodes.has(code)
}

/** A toolkit's error as its caller may see it, whichever way it came. */
export function toolkitError({ code, message, retryable, details }: WireError): WireError {
  const small = details !== undefined && JSON.stringify(details).length <= maxDetailsLength
  return { code: isToolkitCode(code) ? code : 'tool_error', message, retryable, ...(small ? { details } : {}) }
}
