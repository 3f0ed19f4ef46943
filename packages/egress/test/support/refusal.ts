import { type AtpError, isAtpError } from '@atp/core'

/** The error that a promise rejects with; fails when it does not, or with something else. */
export async function errorOf(promise: Promise<unknown>): Promise<AtpError> {
  const error = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  )
  if (isAtpError(error)) return error
  throw error
}
