import { type UtcpErrorCode, utcpErrorCodes } from './codes.ts'

/** Survives two copies of this package in one process, where `instanceof` does not. */
const marker = Symbol.for('atp.utcp.error')

/** What else a {@link UtcpError} may carry. */
export interface UtcpErrorOptions {
  /** The failure behind this one. */
  cause?: unknown
  /** Overrides the code's default where the peer said otherwise. */
  retryable?: boolean
  /** The status a peer answered with, such as 404 over HTTP or the exit code of a command. */
  status?: number
  /** What a peer answered with, cut to a size fit for an error. Obligation of protocols: no credentials. */
  body?: unknown
  /** The member that is wrong, such as `tools[3].tool_call_template.url`. */
  path?: string
  /** How long the peer asked to wait before the next try, in milliseconds. */
  retryAfterMs?: number
  /** JSON facts for programs, such as what is wrong with arguments. */
  details?: Record<string, unknown>
}

/**
 * The error class of UTCP. Unlike an `AtpError`, whose status is what a server of ours answers with, `status` and `body`
 * are what the tool's own server answered.
 */
export class UtcpError extends Error {
  readonly code: UtcpErrorCode
  /** Whether sending the same request again may succeed. */
  readonly retryable: boolean
  readonly status: number | undefined
  readonly body: unknown
  readonly path: string | undefined
  readonly retryAfterMs: number | undefined
  readonly details: Record<string, unknown> | undefined

  constructor(code: UtcpErrorCode, message: string, options: UtcpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'UtcpError'
    this.code = code
    this.retryable = options.retryable ?? utcpErrorCodes[code].retryable
    this.status = options.status
    this.body = options.body
    this.path = options.path
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Recognises a {@link UtcpError} of any copy of this package. */
export function isUtcpError(value: unknown): value is UtcpError {
  return typeof value === 'object' && value !== null && marker in value
}

/** A template names variables that no source has. */
export class UtcpVariableNotFound extends UtcpError {
  /** The full name of the first one, with its manual's namespace: what has to be set. */
  readonly variableName: string
  /** The full names of all that are missing. */
  readonly variableNames: readonly string[]

  constructor(variableNames: readonly [string, ...string[]], where?: string) {
    const [first] = variableNames
    const names = variableNames.map((name) => `"${name}"`).join(', ')
    super(
      'variable_not_found',
      `No value for the variable${variableNames.length > 1 ? 's' : ''} ${names}${where === undefined ? '' : ` of ${where}`}: set it in "variables", in a variable loader or in the environment`,
      { details: { variables: [...variableNames] } },
    )
    this.name = 'UtcpVariableNotFound'
    this.variableName = first
    this.variableNames = [...variableNames]
  }
}

/** A call template's type is none that this client has a protocol for. */
export class UtcpUnknownCallTemplateTypeError extends UtcpError {
  readonly callTemplateType: string

  constructor(callTemplateType: string, known: readonly string[], path: string) {
    const list = known.length === 0 ? 'none' : known.map((type) => `"${type}"`).join(', ')
    super(
      'unknown_call_template_type',
      `${path}: no protocol for "${callTemplateType.slice(0, 100)}"; this client has ${list}`,
      { path },
    )
    this.name = 'UtcpUnknownCallTemplateTypeError'
    this.callTemplateType = callTemplateType
  }
}

/** Something written down is not what the models ask for; `path` names the member. */
export class UtcpValidationError extends UtcpError {
  declare readonly path: string

  constructor(
    code: 'invalid_config' | 'invalid_manual' | 'invalid_call_template',
    path: string,
    problem: string,
    options: { cause?: unknown } = {},
  ) {
    super(code, `${path === '' ? '' : `${path}: `}${problem}`, { ...options, path })
    this.name = 'UtcpValidationError'
  }
}

/** Closing a client, a manual or what a failed creation had made did not work everywhere; the rest is closed. */
export class UtcpProtocolCloseError extends UtcpError {
  /** All that went wrong, with the name of the part. */
  readonly failures: readonly { part: string; error: unknown }[]

  constructor(failures: readonly { part: string; error: unknown }[]) {
    const parts = failures.map(({ part }) => part).join(', ')
    super('protocol_close_failed', `Not closed cleanly: ${parts}`, { cause: failures[0]?.error })
    this.name = 'UtcpProtocolCloseError'
    this.failures = failures
  }
}
