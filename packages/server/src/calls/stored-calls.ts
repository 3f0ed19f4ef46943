import { setTimeout as wait } from 'node:timers/promises'
import { AtpError, type ErrorCode, isAtpError, type Logger, type ToolDescriptor, toWireError } from '@atp/core'
import type { AppEvent } from '@atp/core/protocol'
import type { ClaimHolder, IdempotencyClaim, StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { CallSeal } from '../vault/call-seal.ts'
import { insertSealed, openHolder, type SealedInsert } from '../vault/insert-sealed.ts'
import { type Call, type CallOutcome, type DeliveryKind, statusOf } from './call.ts'
import { inProgressError } from './idempotency.ts'
import { steadyNow } from './steady-clock.ts'

/** What {@link StoredCalls} works with. */
export interface StoredCallsOptions {
  writer: DurableWriter
  seal: CallSeal
  logger: Logger
  /** How long outcomes may be asked for, in milliseconds. @default 86_400_000, a day */
  keepOutcomeMs?: number
  /** How long dead letters are kept, in milliseconds. @default 604_800_000, a week */
  keepDeadMs?: number
  /** How often what is over is deleted, in milliseconds. @default 60_000 */
  purgeMs?: number
  /** How soon an outcome is written again that the store was not there for, in milliseconds. @default 500 */
  retryMs?: number
  /** How long a caller waits for that at least, in milliseconds: clients wait no more than 5 s longer. @default 3_000 */
  patienceMs?: number
}

/** What became of a call that was to be stored: another one may have its claim already. */
export type StoredAnswer = SealedInsert['answer']

/** What a call asks of its tool, as it is stored. */
export interface StoredRequest {
  params: Record<string, unknown>
  authToken?: string | undefined
  /** Whose token it is: that of the tool's provider as the call was made. */
  authProvider?: string | null | undefined
  meta?: Record<string, unknown> | undefined
  app?: AppEvent | undefined
  /** The process that is to get it: when that comes back to the next server without it, nobody has it. */
  meantFor?: string | undefined
}

const rowsPerPurge = 1_000
const maxRetryMs = 10_000
/** How long an attempt that has begun is waited for when the patience of its caller is over, in milliseconds. */
const lastAttemptMs = 1_000

/** An outcome on its way into the store. */
interface Ending {
  outcome: CallOutcome
  attempt?: Promise<CallOutcome>
}

/** The calls that outlive this server: writes them before they are accepted, and their outcomes before they are told. */
export class StoredCalls {
  readonly #writer: DurableWriter
  readonly #seal: CallSeal
  readonly #logger: Logger
  readonly #keepOutcomeMs: number
  readonly #keepDeadMs: number
  readonly #retryMs: number
  readonly #patienceMs: number
  readonly #purging: ReturnType<typeof setInterval>
  /** Calls that are being written: their outcomes have to wait. */
  readonly #inserting = new Map<string, Promise<unknown>>()
  #stopped = false

  constructor(options: StoredCallsOptions) {
    this.#writer = options.writer
    this.#seal = options.seal
    this.#logger = options.logger
    this.#keepOutcomeMs = options.keepOutcomeMs ?? 86_400_000
    this.#keepDeadMs = options.keepDeadMs ?? 7 * 86_400_000
    this.#retryMs = options.retryMs ?? 500
    this.#patienceMs = options.patienceMs ?? 3_000
    this.#purging = setInterval(() => void this.#purge(), options.purgeMs ?? 60_000).unref()
  }

  /** How long claims and outcomes are kept, in milliseconds. */
  get keepOutcomeMs(): number {
    return this.#keepOutcomeMs
  }

  /** How long dead letters are kept, in milliseconds. */
  get keepDeadMs(): number {
    return this.#keepDeadMs
  }

  /**
   * Writes a call; from then on it survives. With a claim that another call has already, nothing is written.
   * @throws AtpError what the store throws
   */
  async insert(call: Call, delivery: DeliveryKind, claim?: IdempotencyClaim): Promise<StoredAnswer> {
    // Before it is: an outcome that comes meanwhile has to be written, too.
    call.stored = true
    const inserting = this.#insert(call, delivery, claim)
    this.#inserting.set(call.id, inserting)
    try {
      const { answer, dataKeyId } = await inserting
      call.stored = answer.inserted
      call.dataKeyId = dataKeyId
      return answer
    } catch (error) {
      call.stored = false
      throw error
    } finally {
      this.#inserting.delete(call.id)
    }
  }

  #insert(call: Call, delivery: DeliveryKind, claim: IdempotencyClaim | undefined): Promise<SealedInsert> {
    const { params, authToken, meta, app, meantFor } = call
    const { id, key, toolkit, tool } = call
    const token = tool.auth === null ? {} : { authToken, authProvider: tool.auth.provider }
    const request: StoredRequest = { params, ...token, meta, app, meantFor }
    const now = steadyNow()
    const row = {
      id,
      projectId: key.projectId,
      keyId: key.id,
      toolkitId: toolkit.id,
      tool: tool.name,
      delivery,
      idempotent: tool.annotations.idempotent === true,
      state: delivery === 'inbox' ? 'queued' : 'dispatched',
      deliveries: 0,
      leaseId: null,
      leaseUntil: null,
      deadlineAt: now + Math.ceil(call.remainingMs),
      timeoutMs: Math.ceil(call.timeoutMs),
      // Not the call's own time, which is of the wall clock: it is compared with the others.
      createdAt: now,
      retriedAs: null,
    } as const
    const parts = { seal: this.#seal, writer: this.#writer }
    return insertSealed(parts, row, Buffer.from(JSON.stringify(request)), claim)
  }

  /** The call that has a claim already. @throws AtpError what the store throws */
  async claimHolder({ key }: Call, claim: IdempotencyClaim): Promise<ClaimHolder | undefined> {
    const { projectId, id: keyId } = key
    const holder = await this.#writer.claimHolder({ projectId, keyId }, claim, steadyNow())
    return holder && openHolder(this.#seal, projectId, holder)
  }

  /** What a stored call asks for, in clear. @throws AtpError `vault_unreadable` */
  async openRequest(row: StoredCall): Promise<StoredRequest> {
    const place = { projectId: row.projectId, callId: row.id, part: 'request' } as const
    const bytes = await this.#seal.open(place, { dataKeyId: row.dataKeyId, sealed: row.request })
    return JSON.parse(bytes.toString()) as StoredRequest
  }

  /**
   * Writes the outcome of a stored call. It is tried again for as long as this server runs. A caller whose time is over
   * before is told to ask again where the call survives it; else that nobody knows, which is then what is written.
   * @returns what to tell the caller, and what holds in the end: another outcome if there was one already (rule D6)
   */
  end(call: Call, outcome: CallOutcome): { told: Promise<CallOutcome>; written: Promise<CallOutcome> } {
    const ending: Ending = { outcome }
    const written = this.#write(call, ending)
    const told = Promise.withResolvers<CallOutcome>()
    const timer = setTimeout(
      () => void this.#outOfTime(call, ending).then(told.resolve),
      Math.max(this.#patienceMs, call.remainingMs),
    ).unref()
    void written.then((known) => {
      clearTimeout(timer)
      told.resolve(known)
    })
    return { told: told.promise, written }
  }

  /** The outcome of a call that ended; undefined while it has none, or when it is forgotten. */
  async outcomeOf(projectId: string, callId: string): Promise<{ outcome: CallOutcome; endedAt: number } | undefined> {
    const stored = await this.#writer.outcome(projectId, callId)
    if (!stored) return undefined
    const bytes = await this.#seal.open(
      { projectId, callId, part: 'outcome' },
      { dataKeyId: stored.dataKeyId, sealed: stored.outcome },
    )
    return { outcome: JSON.parse(bytes.toString()) as CallOutcome, endedAt: stored.endedAt }
  }

  /** No more outcomes are tried again. Idempotent. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#purging)
  }

  async #write(call: Call, ending: Ending): Promise<CallOutcome> {
    await this.#inserting.get(call.id)?.catch(() => {})
    // It could not be stored, so there is nothing to write.
    if (!call.stored) {
      call.outcomeWritten()
      return ending.outcome
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        ending.attempt = this.#tryToWrite(call, ending.outcome)
        return await ending.attempt
      } catch (error) {
        // Once for all its attempts: a disk may be full for hours.
        if (attempt === 0) {
          this.#logger.error('call.outcome_not_written', { callId: call.id, error: String(error) })
        }
        const never = isAtpError(error) && error.code === 'vault_unreadable'
        // No use in its toolkit keeping what can never be written.
        if (never) call.outcomeWritten()
        if (never || this.#stopped) return unwritten(call)
        await wait(Math.min(this.#retryMs * 2 ** attempt, maxRetryMs), undefined, { ref: false })
      }
    }
  }

  async #tryToWrite(call: Call, outcome: CallOutcome): Promise<CallOutcome> {
    const { id, key, dataKeyId, sent } = call
    const written = await this.endRow({ id, projectId: key.projectId, dataKeyId }, outcome, sent)
    call.outcomeWritten()
    return written
  }

  /**
   * Writes the outcome of a call that is not under way here, and gives the one that holds.
   * @param sent whether it may have run
   * @throws AtpError what the store throws
   */
  async endRow(
    row: Pick<StoredCall, 'id' | 'projectId' | 'dataKeyId'>,
    outcome: CallOutcome,
    sent: boolean = true,
  ): Promise<CallOutcome> {
    const { id, projectId, dataKeyId } = row
    const { sealed } = await this.#seal.seal(
      { projectId, callId: id, part: 'outcome', dataKeyId },
      Buffer.from(JSON.stringify(outcome)),
    )
    const now = steadyNow()
    const code = outcome.ok ? null : outcome.error.code
    const answer = await this.#writer.finish({
      callId: id,
      projectId,
      status: outcome.ok ? 'succeeded' : statusOf(outcome.error),
      errorCode: code,
      dataKeyId,
      outcome: sealed,
      endedAt: now,
      expiresAt: now + this.#keepOutcomeMs,
      dead: code === 'delivery_failed',
      forgetClaim: code !== null && (neverRan.has(code) || (code === 'cancelled' && !sent)),
    })
    if (answer !== 'late') return outcome
    return (await this.outcomeOf(projectId, id))?.outcome ?? outcome
  }

  /** What a caller is told that waits no more. */
  async #outOfTime(call: Call, ending: Ending): Promise<CallOutcome> {
    // Nobody was told anything else, or whoever was can still ask for the true one.
    if (call.survives) return { ok: false, error: toWireError(inProgressError(call.id)) }
    // It may be there in a moment, and there is to be one story.
    await Promise.race([ending.attempt?.catch(() => {}), wait(lastAttemptMs, undefined, { ref: false })])
    ending.outcome = unwritten(call)
    return ending.outcome
  }

  async #purge(): Promise<void> {
    try {
      const now = steadyNow()
      while (!this.#stopped) {
        const deleted = await this.#writer.purge(now, now - this.#keepDeadMs, rowsPerPurge)
        if (deleted < rowsPerPurge) return
      }
    } catch (error) {
      this.#logger.warn('calls.not_purged', { error: String(error) })
    }
  }
}

/** The token of a stored call for its tool as it is now: one that needs none any more, or another one's, gets none. */
export function tokenFor(request: StoredRequest, tool: ToolDescriptor | undefined): string | undefined {
  if (!tool?.auth) return undefined
  return request.authProvider === tool.auth.provider ? request.authToken : undefined
}

/** What is no answer to a later call with the same idempotency key (rule X4): it may run now. */
const neverRan = new Set<ErrorCode>([
  'busy',
  'queue_full',
  'toolkit_offline',
  'delivery_failed',
  'server_shutting_down',
  'store_unavailable',
  'tool_not_found',
  'toolkit_not_found',
  'invalid_request',
  'invalid_params',
  'missing_params',
  'missing_token',
])

function unwritten(call: Call): CallOutcome {
  const error = new AtpError(
    'outcome_unknown',
    `The store is unavailable, so the outcome of "${call.tool.name}" is not certain; ask for the call later`,
  )
  return { ok: false, error: toWireError(error) }
}
