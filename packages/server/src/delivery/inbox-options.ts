import type { Logger, ToolDescriptor } from '@atp/core'
import type { Call } from '../calls/call.ts'
import type { StoredCalls } from '../calls/stored-calls.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'

/** What `InboxDelivery` works with. */
export interface InboxDeliveryOptions {
  stored: StoredCalls
  writer: DurableWriter
  logger: Logger
  limits: InboxLimits
  /** A call's tool as it is registered now: a call may wait for long. @default as the call has it */
  toolOf?: ((call: Call) => Promise<ToolDescriptor | undefined>) | undefined
  newId?: (() => string) | undefined
}

/** What the inbox keeps, and for how long. */
export interface InboxLimits {
  /** Calls that wait for one toolkit; more are answered `queue_full` (rule D5). */
  inboxCallsPerToolkit: number
  /** How long a toolkit holds a call before it has to say that it is there, in milliseconds (rule D3). */
  leaseMs: number
  /** How often a call is handed out at most (rule D4). */
  inboxDeliveries: number
  /** How long after its last poll a toolkit counts as online, in milliseconds. */
  inboxOnlineMs: number
}
