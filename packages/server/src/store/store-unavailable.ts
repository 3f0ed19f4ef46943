import { AtpError } from '@atp/core'

/** What whoever needs the store is told while the database does not answer. The cause is for logs only. */
export function storeUnavailable(cause?: unknown): AtpError {
  return new AtpError('store_unavailable', 'The database does not answer; send the request again soon', {
    details: { retryAfterMs: 1_000 },
    ...(cause === undefined ? {} : { cause }),
  })
}
