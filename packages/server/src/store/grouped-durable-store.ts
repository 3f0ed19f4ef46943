import type {
  DurableAnswers,
  DurableChange,
  DurableStore,
  FinishAnswer,
  IdempotencyClaim,
  InsertAnswer,
  LeaseRef,
  NewOutcome,
  StoredCall,
} from './durable-store.ts'
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts'

/** A {@link DurableStore} for single changes: those of one kind that come together are written together. */
export interface DurableWriter extends Omit<DurableStore, 'insert' | 'ack' | 'release' | 'finish' | 'write'> {
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

/** Groups the changes of a store, of all kinds in one transaction: a commit waits for the disk, whatever is in it. */
export function createGroupedDurableStore(
  store: DurableStore,
  options: Pick<GroupCommitOptions<never, never>, 'maxItems' | 'maxWeight' | 'afterTurn'> = {},
): DurableWriter {
  const group = new GroupCommit<DurableChange, DurableAnswers[DurableChange['kind']]>({
    // The parameters and results of calls may be 1 MiB each: a batch of them would hold up everything else.
    maxWeight: defaultMaxWeight,
    ...options,
    write: (changes) => store.write(changes),
    weigh: weightOf,
  })

  function add<Kind extends DurableChange['kind']>(
    change: Extract<DurableChange, { kind: Kind }>,
  ): Promise<DurableAnswers[Kind]> {
    return group.add(change) as Promise<DurableAnswers[Kind]>
  }

  return {
    insert: (call, claim) => add<'insert'>({ kind: 'insert', call, claim }),
    ack: (ref, leaseUntil, now) => add<'ack'>({ kind: 'ack', ack: { ...ref, leaseUntil }, now }),
    release: (ref) => add<'release'>({ kind: 'release', ref }),
    finish: (outcome) => add<'finish'>({ kind: 'finish', outcome }),
    lease: (request) => add<'lease'>({ kind: 'lease', request }),
    claimHolder: (of, claim, now) => store.claimHolder(of, claim, now),
    find: (projectId, callId) => store.find(projectId, callId),
    outcome: (projectId, callId) => store.outcome(projectId, callId),
    unfinished: (limit, afterId) => store.unfinished(limit, afterId),
    inboxDepths: () => store.inboxDepths(),
    dead: (projectId, limit, before) => store.dead(projectId, limit, before),
    markRetried: (projectId, callId, retriedAs) => store.markRetried(projectId, callId, retriedAs),
    dropDead: (projectId, callId) => store.dropDead(projectId, callId),
    purge: (now, deadBefore, limit) => store.purge(now, deadBefore, limit),
    settled: () => group.settled(),
    close: () => group.close(),
  }
}

function weightOf(change: DurableChange): number {
  if (change.kind === 'insert') return change.call.request.length
  return change.kind === 'finish' ? change.outcome.outcome.length : 0
}

/** In characters of sealed text. */
const defaultMaxWeight = 8 * 1024 * 1024
