import type { Call } from '../calls/call.ts'
import type { StoredRequest } from '../calls/stored-calls.ts'
import type { InboxPoller } from './toolkit-inbox.ts'

/** How a toolkit polls. */
export interface PollRequest {
  projectId: string
  poller: InboxPoller
  /** At most so many calls; 0 waits for cancels alone. */
  max: number
  /** How long to wait for something to come, in milliseconds. */
  waitMs: number
  /** Takes the calls as running, for peers that know no leases. @default false */
  ack?: boolean | undefined
  signal: AbortSignal
}

/** A call that a toolkit took out of its inbox. Its request has a token only for a tool that declares auth (rule V10). */
export interface LeasedCall {
  call: Call
  request: StoredRequest
  leaseId: string
  leaseMs: number
}

/** What a poll gives. */
export interface Poll {
  calls: LeasedCall[]
  /** Calls of this process that nobody waits for any more. */
  cancelled: { callId: string; reason: string }[]
}
