import type { AtpError } from '@atp/core'
import type { Call, DeliveryKind } from '../calls/call.ts'

/** One way a call reaches a toolkit. */
export interface Delivery {
  readonly kind: DeliveryKind
  /** Why it could not take a call at the moment (`toolkit_offline`, `busy`, `queue_full`); undefined when it could. */
  refusal(call: Call): AtpError | undefined
  /** A call is being stored that will be handed over, or discarded: it counts as one that waits. */
  expect?(call: Call): void
  /** A call that was expected is not accepted after all. */
  discard?(call: Call): void
  /**
   * Hands an accepted call over, after which the delivery owes it an outcome; or returns why it cannot, as `refusal`
   * does, and the call is untouched.
   */
  dispatch(call: Call): AtpError | undefined
  /** Tells the toolkit that nobody waits for an ended call any more. Unknown calls are ignored. */
  cancel(call: Call, reason: string): void
}
