import { type AtpError, isAtpError } from './atp-error.ts'
import type { ErrorCode } from './codes.ts'

/** The longest error message that leaves the process, in characters. */
export const maxErrorMessageLength = 2_000

/** The most an error's `details` may weigh, in characters of JSON; larger ones are left out. */
const maxDetailsLength = 16_384

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
  const message = exposeErrors ? clip(errorText(error)) : 'The tool failed'
  return { code: 'tool_error', message, retryable: false }
}

function fromAtpError(error: AtpError): WireError {
  const { code, retryable } = error
  const details = plainDetails(error.details)
  return { code, message: clip(errorText(error)), retryable, ...(details === undefined ? {} : { details }) }
}

/** Handlers may put anything into details; what no peer could read is left out rather than losing the whole answer. */
function plainDetails(details: unknown): Record<string, unknown> | undefined {
  if (typeof details !== 'object' || details === null) return undefined
  try {
    const text = JSON.stringify(details)
    if (text.length > maxDetailsLength || text.includes('"__proto__"')) return undefined
    const plain: unknown = JSON.parse(text)
    const readable = typeof plain === 'object' && plain !== null && !Array.isArray(plain) && !isDeeperThan(plain, 16)
    return readable ? (plain as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}

/** The message of anything that was thrown. Never throws itself, whatever the value is. */
export function errorText(error: unknown): string {
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
