import type { AtpError } from '@atp/core'
import type { Call } from '../calls/call.ts'

/** One way a call reaches a toolkit. */
export interface Delivery {
  /**
   * Hands an accepted call over, after which the delivery owes it an outcome; or returns why it cannot
   * (`toolkit_offline`, `busy`), and the call is untouched.
   */
  dispatch(call: Call): AtpError | undefined
  /** Tells the toolkit that nobody waits for an ended call any more. Unknown calls are ignored. */
  cancel(call: Call, reason: string): void
}
