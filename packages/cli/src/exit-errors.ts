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

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Ends the command with an exit code of its own. Without a cause all has been said already; with one that is told as
 * any other failure.
 */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly exitCode: number

  constructor(exitCode: number, cause?: unknown) {
    super(`exit code ${exitCode}`, { cause })
    this.exitCode = exitCode
  }
}
