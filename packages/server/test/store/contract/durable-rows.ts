import { newId } from '../../../src/keys/ids.ts'
import type {
  IdempotencyClaim,
  LeaseRef,
  LeaseRequest,
  NewOutcome,
  NewStoredCall,
  StoredCall,
} from '../../../src/store/durable-store.ts'
import type { Project } from '../../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'

/** The time at which tests of stored calls happen. */
export const now = 1_763_000_000_000

/** Makes stored calls, and what belongs to them, in the projects of a test. */
export class DurableRows {
  readonly #given: StoreContext
  readonly toolkitId: string = newId()
  readonly keyId: string = newId()
  /** The data key in use of each project. */
  readonly #dataKeys = new Map<string, string>()

  private constructor(given: StoreContext) {
    this.#given = given
  }

  static async create(given: StoreContext): Promise<DurableRows> {
    const rows = new DurableRows(given)
    for (const { id } of [given.project, given.foreign]) await rows.useNewDataKey(id)
    return rows
  }

  /** Gives a project a data key of its own from now on. */
  async useNewDataKey(projectId: string): Promise<string> {
    const key = { projectId, id: newId(), masterKeyId: 'm', wrapped: 'w', createdAt: now }
    const { id } = await this.#given.store.dataKeys.ensure(key)
    this.#dataKeys.set(projectId, id)
    return id
  }

  call(change: Partial<StoredCall> = {}, project: Project = this.#given.project): StoredCall {
    return {
      id: newId(),
      projectId: project.id,
      keyId: this.keyId,
      toolkitId: this.toolkitId,
      tool: 'forecast',
      delivery: 'inbox',
      idempotent: false,
      state: 'queued',
      deliveries: 0,
      leaseId: null,
      leaseUntil: null,
      deadlineAt: now + 120_000,
      timeoutMs: 120_000,
      dataKeyId: this.#dataKeys.get(project.id) ?? '',
      request: 'v1.sealed',
      createdAt: now,
      retriedAs: null,
      ...change,
    }
  }

  /** A call of ours that is stored. */
  async stored(change: Partial<StoredCall> = {}, project?: Project): Promise<StoredCall> {
    const call = this.call(change, project)
    await this.#given.store.durable.insert([{ call }])
    return call
  }

  /** Calls that are stored, the oldest first. */
  async manyStored(count: number): Promise<StoredCall[]> {
    const calls = Array.from({ length: count }, () => this.call())
    await this.#given.store.durable.insert(calls.map((call) => ({ call })))
    return calls
  }

  /** A call that is stored and leased, and its lease. */
  async leased(change: Partial<LeaseRequest> = {}): Promise<LeaseRef> {
    const { id, projectId } = await this.stored()
    const [call] = await this.#given.store.durable.lease(this.leaseRequest({ max: 100, ...change }))
    if (call?.id !== id) throw new Error('Another call was leased')
    return { projectId, callId: id, leaseId: call.leaseId ?? '' }
  }

  leaseRequest(change: Partial<LeaseRequest> = {}): LeaseRequest {
    return {
      projectId: this.#given.project.id,
      toolkitId: this.toolkitId,
      max: 32,
      newLeaseId: newId,
      leaseUntil: now + 30_000,
      now,
      ...change,
    }
  }

  claiming(
    claim: Partial<IdempotencyClaim> = {},
    change: Partial<StoredCall> = {},
    project?: Project,
  ): { call: StoredCall; claim: IdempotencyClaim } {
    return {
      call: this.call(change, project),
      claim: { externalUserId: '', keyHash: 'hash', fingerprint: 'print', expiresAt: now + 86_400_000, ...claim },
    }
  }

  outcome(of: Pick<StoredCall, 'id' | 'projectId' | 'dataKeyId'>, change: Partial<NewOutcome> = {}): NewOutcome {
    return {
      callId: of.id,
      projectId: of.projectId,
      status: 'succeeded',
      errorCode: null,
      dataKeyId: of.dataKeyId,
      outcome: 'v1.outcome',
      endedAt: now + 5,
      expiresAt: now + 86_400_000,
      ...change,
    }
  }

  /** A dead letter. */
  async dead(change: Partial<StoredCall> = {}, project?: Project): Promise<StoredCall> {
    const call = await this.stored(change, project)
    const outcome = this.outcome(call, { status: 'delivery_failed', errorCode: 'delivery_failed', dead: true })
    await this.#given.store.durable.finish([outcome])
    return { ...call, state: 'dead' }
  }
}
