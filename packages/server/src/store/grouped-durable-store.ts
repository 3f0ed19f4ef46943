import type {
  DurableStore,
  FinishAnswer,
  IdempotencyClaim,
  InsertAnswer,
  LeaseAck,
  LeaseRef,
  NewOutcome,
  NewStoredCall,
  StoredCall,
} from './durable-store.ts'
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts'

/** A {@link DurableStore} for single changes: those of one kind that come together are written together. */
export interface DurableWriter extends Omit<DurableStore, 'insert' | 'ack' | 'release' | 'finish'> {
  /** Stores a call; see `DurableStore.insert`. */
  insert(call: StoredCall, claim?: IdempotencyClaim | undefined): Promise<InsertAnswer>
  /** Marks a leased call as running, or renews its lease; see `DurableStore.ack`. */
  ack(ref: LeaseRef, leaseUntil: number, now: number): Promise<boolean>
  /** Puts a leased or running call back into the queue; see `DurableStore.release`. */
  release(ref: LeaseRef): Promise<boolean>
  /** Writes an outcome; see `DurableStore.finish`. */
  finish(outcome: NewOutcome): Promise<FinishAnswer>
  /** Resolves once no change waits and none is being written. */
  settled(): Promise<void>
  /** Takes no more changes, and resolves once all it took are written. The store stays open. Idempotent. */
  close(): Promise<void>
}

/** Groups the changes of a store. */
export function createGroupedDurableStore(
  store: DurableStore,
  options: Pick<GroupCommitOptions<never, never>, 'maxItems' | 'maxWeight' | 'afterTurn'> = {},
): DurableWriter {
  // The parameters and results of calls may be 1 MiB each: a batch of them would hold up everything else.
  const limits = { maxWeight: defaultMaxWeight, ...options }
  const inserts = new GroupCommit<NewStoredCall, InsertAnswer>({
    ...limits,
    write: (calls) => store.insert(calls),
    weigh: ({ call }) => call.request.length,
  })
  const acks = new GroupCommit<{ ack: LeaseAck; now: number }, boolean>({
    ...limits,
    // The latest time of the batch: what ended since an item came has ended.
    write: (items) =>
      store.ack(
        items.map(({ ack }) => ack),
        Math.max(...items.map(({ now }) => now)),
      ),
  })
  const releases = new GroupCommit<LeaseRef, boolean>({ ...limits, write: (refs) => store.release(refs) })
  const outcomes = new GroupCommit<NewOutcome, FinishAnswer>({
    ...limits,
    write: (items) => store.finish(items),
    weigh: ({ outcome }) => outcome.length,
  })
  const groups = [inserts, acks, releases, outcomes]

  return {
    insert: (call, claim) => inserts.add({ call, claim }),
    ack: (ref, leaseUntil, now) => acks.add({ ack: { ...ref, leaseUntil }, now }),
    release: (ref) => releases.add(ref),
    finish: (outcome) => outcomes.add(outcome),
    lease: (request) => store.lease(request),
    find: (projectId, callId) => store.find(projectId, callId),
    outcome: (projectId, callId) => store.outcome(projectId, callId),
    unfinished: (limit, afterId) => store.unfinished(limit, afterId),
    inboxDepths: () => store.inboxDepths(),
    dead: (projectId, limit, before) => store.dead(projectId, limit, before),
    markRetried: (projectId, callId, retriedAs) => store.markRetried(projectId, callId, retriedAs),
    dropDead: (projectId, callId) => store.dropDead(projectId, callId),
    purge: (now, deadBefore, limit) => store.purge(now, deadBefore, limit),

    async settled() {
      await Promise.all(groups.map((group) => group.settled()))
    },

    async close() {
      await Promise.all(groups.map((group) => group.close()))
    },
  }
}

/** In characters of sealed text. */
const defaultMaxWeight = 8 * 1024 * 1024
