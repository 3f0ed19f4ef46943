import { AtpError, type ErrorCode, toWireError } from '@atp/core'
import { isJsonObject, type ResultFrame } from '@atp/core/protocol'

/**
 * What a Python toolkit answered to a call: a tool that raised answers exactly `{"error": text}`.
 * @param textLength how long the text was that brought the result
 */
export function readLegacyResult(
  requestId: string,
  result: unknown,
  textLength: number,
  maxResultBytes: number,
): ResultFrame {
  const raised = errorTextOf(result)
  if (raised !== undefined) return failedResult(requestId, 'tool_error', raised)
  // The message is larger than the result in it: only one above the cap is worth measuring.
  if (textLength * 3 > maxResultBytes && Buffer.byteLength(JSON.stringify(result)) > maxResultBytes) {
    return failedResult(requestId, 'result_too_large', `The result is larger than ${maxResultBytes} bytes of JSON`)
  }
  return { type: 'result', requestId, ok: true, result }
}

/** A failed call as a result. */
export function failedResult(requestId: string, code: ErrorCode, message: string): ResultFrame {
  const error = toWireError(new AtpError(code, message))
  // An exception without a text is told as it is.
  return { type: 'result', requestId, ok: false, error: message === '' ? { ...error, message } : error }
}

function errorTextOf(result: unknown): string | undefined {
  if (!isJsonObject(result) || Object.keys(result).length !== 1 || typeof result.error !== 'string') return undefined
  return result.error
}
