import { type ErrorCode, errorCodes } from './codes.ts'

/** Survives two copies of this package in one process, where `instanceof` does not. */
const marker = Symbol.for('atp.error')

/** What else an {@link AtpError} may carry. */
export interface AtpErrorOptions {
  /** The failure behind this one. Stays in the process: it is never sent to a peer. */
  cause?: unknown
  /** JSON facts for the peer, such as the paths of invalid parameters. Sent on protocol 2 and on routes. */
  details?: Record<string, unknown>
  /** Overrides the code's default where the peer said otherwise. */
  retryable?: boolean
}

/** The one error class of ATP: a stable code, and a message that says what happened, to what, and what to do. */
export class AtpError extends Error {
  readonly code: ErrorCode
  /** Whether sending the same request again may succeed. */
  readonly retryable: boolean
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: AtpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'AtpError'
    this.code = code
    this.retryable = options.retryable ?? errorCodes[code].retryable
    this.details = options.details
    Object.defineProperty(this, marker, { value: true })
  }

  /** The HTTP status this error is answered with. */
  get status(): number {
    return errorCodes[this.code].status
  }
}

/**
 * What a tool throws to fail on purpose. Its message reaches the caller even where `exposeErrors: false` masks
 * every other error a handler throws.
 */
export class ToolError extends AtpError {
  constructor(message: string, options: AtpErrorOptions = {}) {
    super('tool_error', message, options)
    this.name = 'ToolError'
  }
}

/** Recognises an {@link AtpError} of any copy of this package. */
export function isAtpError(value: unknown): value is AtpError {
  return typeof value === 'object' && value !== null && marker in value
}
