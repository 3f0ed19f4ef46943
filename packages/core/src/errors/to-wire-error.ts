import { type AtpError, isAtpError } from './atp-error.ts'
import type { ErrorCode } from './codes.ts'

/** The longest error message that leaves the process, in characters. */
export const maxErrorMessageLength = 2_000

/** What a peer sees of an error: never a stack, never a cause. */
export interface WireError {
  code: ErrorCode
  message: string
  retryable: boolean
  details?: Record<string, unknown>
}

/** The one place that decides what leaves the process: expected errors pass, anything else is a masked defect. */
export function toWireError(error: unknown): WireError {
  if (isAtpError(error)) return fromAtpError(error)
  return { code: 'internal_error', message: 'Internal error', retryable: false }
}

/**
 * What a peer sees of an error that a tool's handler threw.
 * With `exposeErrors: false` everything but a `ToolError` is masked.
 */
export function toToolWireError(error: unknown, exposeErrors: boolean): WireError {
  if (isAtpError(error) && error.code === 'tool_error') return fromAtpError(error)
  const message = exposeErrors ? clip(messageOf(error)) : 'The tool failed'
  return { code: 'tool_error', message, retryable: false }
}

function fromAtpError(error: AtpError): WireError {
  const { code, retryable, details } = error
  return { code, message: clip(error.message), retryable, ...(details === undefined ? {} : { details }) }
}

function messageOf(error: unknown): string {
  try {
    if (error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)) {
      return String(error.message) || String((error as Error).name) || 'The tool failed without a message'
    }
    return String(error)
  } catch {
    return 'The tool failed with a value that has no text'
  }
}

function clip(message: string): string {
  return message.length <= maxErrorMessageLength ? message : `${message.slice(0, maxErrorMessageLength - 1)}…`
}
