/** The command was written wrongly: exit code 2. The message says what is wrong and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The user pressed Ctrl-C, and what ran was cancelled: exit code 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}
