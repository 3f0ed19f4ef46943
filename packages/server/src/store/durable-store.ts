import type { ErrorCode } from '@atp/core'
import type { CallStatus } from './store.ts'

/**
 * Where a stored call is. `queued`: nobody has it. `leased`: a toolkit was given it and may not run it yet. `acked`: it
 * may run there. `dispatched`: it may have reached a toolkit over a socket or at its endpoint. `ended`: it has its
 * outcome. `dead`: it has its outcome, which is that nobody took it, and is kept for an operator.
 */
export type StoredCallState = 'queued' | 'leased' | 'acked' | 'dispatched' | 'ended' | 'dead'

/** How a stored call is delivered. */
export type StoredCallDelivery = 'socket' | 'inbox' | 'endpoint'

/** A call that survives the server. */
export interface StoredCall {
  id: string
  projectId: string
  keyId: string
  toolkitId: string
  tool: string
  delivery: StoredCallDelivery
  /** Whether the tool may run twice. */
  idempotent: boolean
  state: StoredCallState
  /** How often it was leased. */
  deliveries: number
  leaseId: string | null
  leaseUntil: number | null
  /** When its time is over. */
  deadlineAt: number
  timeoutMs: number
  /** The data key that its request is sealed under. */
  dataKeyId: string
  /** Parameters, token and trace context, sealed; see `vault/call-seal.ts`. Empty once it ended, unless it is dead. */
  request: string
  createdAt: number
  /** The call that an operator made of a dead one. */
  retriedAs: string | null
}

/** What makes two calls one (rule X4). The key itself is never kept. */
export interface IdempotencyClaim {
  /** Empty when the call names no user. */
  externalUserId: string
  /** Hex SHA-256 of the key. */
  keyHash: string
  /** Hex SHA-256 over toolkit, tool and parameters; sealed where it is stored. */
  fingerprint: string
  expiresAt: number
}

/**
 * What became of an insert. `existing`: the call that has the same claim already. `retired`: the data key of the request
 * is not in use any more, so it must be sealed again (`vault/insert-sealed.ts`). Nothing was written in both cases.
 */
export type InsertAnswer =
  | { inserted: true; existing?: undefined; retired?: undefined }
  | { inserted: false; existing: ClaimHolder; retired?: undefined }
  | { inserted: false; existing?: undefined; retired: true }

/** The call that holds a claim. */
export interface ClaimHolder {
  callId: string
  fingerprint: string
}

/** A call on its way in. */
export interface NewStoredCall {
  call: StoredCall
  claim?: IdempotencyClaim | undefined
}

/** How a stored call ended. */
export interface StoredOutcome {
  callId: string
  projectId: string
  status: CallStatus
  errorCode: ErrorCode | null
  /** That of the call: a rotation keeps it for as long as the call or its outcome is there. */
  dataKeyId: string
  /** The result or error, sealed. */
  outcome: string
  endedAt: number
  /** When it may be forgotten. */
  expiresAt: number
}

/** Which calls to lease. */
export interface LeaseRequest {
  projectId: string
  toolkitId: string
  /** At most so many, the oldest first. */
  max: number
  /** Only calls of these tools, when given. */
  tools?: ReadonlySet<string> | undefined
  /** Makes the id of each lease. */
  newLeaseId: () => string
  leaseUntil: number
  /** Leases and acknowledges in one step, for peers that run what they take. @default false */
  ack?: boolean | undefined
  now: number
}

/** One call and the lease its toolkit holds. */
export interface LeaseRef {
  projectId: string
  callId: string
  leaseId: string
}

/** A lease to acknowledge, and until when it holds then. */
export interface LeaseAck extends LeaseRef {
  leaseUntil: number
}

/** An outcome on its way in. With a lease it counts only while that lease is the call's. */
export interface NewOutcome extends StoredOutcome {
  leaseId?: string | undefined
  /** Keeps the call as a dead letter. @default false */
  dead?: boolean | undefined
  /** Deletes the call's idempotency claim: it never ran, so a later call with the same key may. @default false */
  forgetClaim?: boolean | undefined
}

/** One change of a stored call, for a batch of different ones. */
export type DurableChange =
  | { kind: 'insert'; call: StoredCall; claim?: IdempotencyClaim | undefined }
  | { kind: 'lease'; request: LeaseRequest }
  | { kind: 'ack'; ack: LeaseAck; now: number }
  | { kind: 'release'; ref: LeaseRef }
  | { kind: 'finish'; outcome: NewOutcome }

/** What a {@link DurableChange} of each kind is answered with. */
export interface DurableAnswers {
  insert: InsertAnswer
  lease: StoredCall[]
  ack: boolean
  release: boolean
  finish: FinishAnswer
}

/** `ended`: this is the outcome. `late`: it had one (rule D6). `stale`: the lease is not the call's. `missing`: no such call. */
export type FinishAnswer = 'ended' | 'late' | 'stale' | 'missing'

/**
 * Calls that survive the server: the inbox, calls with an idempotency key, calls nobody waits for. All lists are written
 * in one transaction each, and answered in the order they came; a failing transaction rejects and writes nothing.
 */
export interface DurableStore {
  /**
   * Stores calls; of two with the same claim of the same project and key, also within one list, the first stays. A claim
   * that has expired when the call is created counts as absent.
   */
  insert(calls: readonly NewStoredCall[]): Promise<InsertAnswer[]>
  /**
   * Gives queued calls of a toolkit's inbox to one poller, oldest first, counting the delivery; calls past their deadline
   * are passed over. Two at once never get the same call (rule D3).
   */
  lease(request: LeaseRequest): Promise<StoredCall[]>
  /**
   * Marks leased calls as running, or renews the lease of running ones. False where the lease is not the call's any more,
   * or has ended at `now`.
   */
  ack(acks: readonly LeaseAck[], now: number): Promise<boolean[]>
  /** Puts leased or running calls back into the queue, where the lease still is the call's. */
  release(refs: readonly LeaseRef[]): Promise<boolean[]>
  /**
   * Writes outcomes; the first one of a call wins. The request of an ended call is deleted, unless it is dead.
   * Rejects when an outcome is sealed under another data key than its call.
   */
  finish(outcomes: readonly NewOutcome[]): Promise<FinishAnswer[]>
  /**
   * Makes changes of all kinds in one transaction, as the methods above do: first what is inserted, then outcomes, then
   * what is released, then acknowledged, then leased. Answered in the order they came.
   */
  write(changes: readonly DurableChange[]): Promise<DurableAnswers[DurableChange['kind']][]>
  /** The call that has a claim of a key at `now`. */
  claimHolder(
    of: Pick<StoredCall, 'projectId' | 'keyId'>,
    claim: IdempotencyClaim,
    now: number,
  ): Promise<ClaimHolder | undefined>
  find(projectId: string, callId: string): Promise<StoredCall | undefined>
  outcome(projectId: string, callId: string): Promise<StoredOutcome | undefined>
  /** Calls of all projects without an outcome, by id, after the one given. */
  unfinished(limit: number, afterId?: string | undefined): Promise<StoredCall[]>
  /** How many calls without an outcome wait in the inbox of each toolkit, in all projects; those without may be missing. */
  inboxDepths(): Promise<ReadonlyMap<string, number>>
  /** Dead letters of a project, newest first. */
  dead(projectId: string, limit: number, before?: string | undefined): Promise<StoredCall[]>
  /** Notes which call was made of a dead one; false when there is no such dead letter, or one was made of it before. */
  markRetried(projectId: string, callId: string, retriedAs: string): Promise<boolean>
  /** Deletes a dead letter; its outcome stays. False when there is none. */
  dropDead(projectId: string, callId: string): Promise<boolean>
  /**
   * Deletes outcomes past their time with the ended calls they belong to, claims past their time, dead letters of calls
   * created before `deadBefore`, and retired data keys that nothing needs any more; at most `limit` of each at once.
   * Returns how many rows it deleted.
   */
  purge(now: number, deadBefore: number, limit: number): Promise<number>
}
