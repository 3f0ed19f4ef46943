/** The command was written wrongly: exit code 2. The message says what is wrong and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The user pressed Ctrl-C, and what ran was cancelled: exit code 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

/** What was asked for failed with a code that is none of ATP's, such as one of UTCP: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string
  /** Whether stdout holds the JSON value that tells of it already. */
  readonly isPrinted: boolean

  constructor(
    message: string,
    code: string,
    { isPrinted = false, ...options }: ErrorOptions & { isPrinted?: boolean } = {},
  ) {
    super(message, options)
    this.code = code
    this.isPrinted = isPrinted
  }
}
