import { AtpError } from '@atp/core'
import type { Call } from '../calls/call.ts'
import { steadyNow } from '../calls/steady-clock.ts'
import type { StoredCall } from '../store/durable-store.ts'
import { EndingCalls } from './ending-calls.ts'
import type { InboxPoller } from './toolkit-inbox.ts'

/** A call that an inbox has, from its acceptance to its outcome. */
export interface HeldCall {
  readonly call: Call
  /** How often it was handed out. */
  deliveries: number
  lease: Lease | undefined
  /** Whether a process was given leave to run it once. */
  mayHaveRun: boolean
}

/** A toolkit's word for a while that it has a call. */
export interface Lease {
  readonly id: string
  /** Monotonic milliseconds. */
  until: number
  /** Who has it; undefined for a lease of an earlier server whose process was not heard of yet. */
  poller: InboxPoller | undefined
  acked: boolean
  /** Renewals that are being written: the lease does not end meanwhile. */
  renewing: number
}

/** Who says something of a call: whoever has its lease, or is the process that was given it. */
export interface LeaseHolder {
  toolkitId: string
  leaseId?: string | undefined
  /** Undefined for peers that know no leases and do not say which process they are. */
  poller?: InboxPoller | undefined
}

/** What became of what a toolkit said of a call: `late` is one that has its outcome, or is not known any more. */
export type LeaseAnswer = 'ok' | 'late' | 'lost'

/** The calls of all inboxes that have no outcome. */
export class HeldCalls {
  readonly #byId = new Map<string, HeldCall>()
  readonly #ending = new EndingCalls()

  /** Keeps a call until `delete`. */
  add(call: Call, deliveries: number = 0, lease?: Lease | undefined): HeldCall {
    const held = { call, deliveries, lease, mayHaveRun: lease?.acked === true }
    this.#byId.set(call.id, held)
    return held
  }

  /** The call of an id, whoever asks. */
  get(callId: string): HeldCall | undefined {
    return this.#byId.get(callId)
  }

  /** It has its outcome, or is not to be delivered any more. */
  delete(callId: string): void {
    this.#byId.delete(callId)
  }

  /** All of them, the oldest first; may be changed meanwhile. */
  all(): HeldCall[] {
    return [...this.#byId.values()]
  }

  /** The call that somebody speaks of, or why that does not count. To any other toolkit it is missing (rule K8). */
  leasedTo(
    callId: string,
    { toolkitId, leaseId, poller }: LeaseHolder,
  ): (HeldCall & { lease: Lease }) | 'late' | 'lost' {
    const held = this.#byId.get(callId)
    if (held?.call.toolkit.id !== toolkitId) return 'late'
    const { lease } = held
    if (lease === undefined) return 'lost'
    const holds = leaseId === undefined ? poller === undefined || poller === lease.poller : leaseId === lease.id
    return holds ? (held as HeldCall & { lease: Lease }) : 'lost'
  }

  /** A call is about to have its outcome. */
  ending(call: Call): void {
    this.delete(call.id)
    this.#ending.add(call)
  }

  /** Resolves once the outcome of a call is written, at once for any other call. */
  async written(toolkitId: string, callId: string): Promise<void> {
    const call = this.#ending.get(toolkitId, callId)
    if (call) await new Promise<void>((resolve) => call.onceWritten(resolve))
  }
}

/** What a call ends with whose lease has ended and that is not to be handed out again. */
export function endOf(
  { call, deliveries, mayHaveRun }: HeldCall,
  { acked }: Lease,
  maxDeliveries: number,
): AtpError | undefined {
  const whose = `Toolkit "${call.toolkit.appName}"`
  if (acked && !call.tool.annotations.idempotent) {
    const message = `${whose} took "${call.tool.name}" and went silent; whether it finished is unknown`
    return new AtpError('outcome_unknown', message)
  }
  if (deliveries < maxDeliveries) return undefined
  if (mayHaveRun) {
    const message = `${whose} was given "${call.tool.name}" ${deliveries} times and answered none; whether it ran is unknown`
    return new AtpError('outcome_unknown', message)
  }
  const message = `${whose} was given "${call.tool.name}" ${deliveries} times and never ran it to its end`
  return new AtpError('delivery_failed', message)
}

/** The lease that somebody was given by an earlier server; undefined for a call that nobody has. */
export function restoredLease({ state, leaseId, leaseUntil, timeoutMs }: StoredCall): Lease | undefined {
  if (state === 'queued' || leaseId === null) return undefined
  // A clock that was set meanwhile must not give it more than it had.
  const left = Math.min(Math.max(0, (leaseUntil ?? 0) - steadyNow()), timeoutMs)
  return { id: leaseId, until: performance.now() + left, poller: undefined, acked: state === 'acked', renewing: 0 }
}
