import { AtpError } from '../../errors/atp-error.ts'

/**
 * A failure whose message no longer names a key: founding addresses have it in their path. The cause is dropped, since
 * it may name the key as well.
 */
export function hideKey(error: AtpError, apiKey: string): AtpError {
  const message = [encodeURIComponent(apiKey), apiKey].reduce(
    (text, form) => text.replaceAll(form, 'KEY'),
    error.message,
  )
  const { code, retryable, details } = error
  return new AtpError(code, message, { retryable, ...(details === undefined ? {} : { details }) })
}
