import { AtpError, isAtpError, type Logger, toWireError, type WireError } from '@atp/core'
import type { Call, CallPart } from '../calls/call.ts'
import { steadyNow } from '../calls/steady-clock.ts'
import type { StoredCalls, StoredRequest } from '../calls/stored-calls.ts'
import { newId as newUuid } from '../keys/ids.ts'
import type { StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { Delivery } from './delivery.ts'
import { type InboxPoller, ToolkitInbox } from './toolkit-inbox.ts'

/** What {@link InboxDelivery} works with. */
export interface InboxDeliveryOptions {
  stored: StoredCalls
  writer: DurableWriter
  logger: Logger
  limits: InboxLimits
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

/** A call that a toolkit took out of its inbox. */
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

interface Held {
  call: Call
  projectId: string
  deliveries: number
  lease: Lease | undefined
}

interface Lease {
  id: string
  /** Monotonic milliseconds. */
  until: number
  /** Undefined for a lease of an earlier server. */
  poller: InboxPoller | undefined
  acked: boolean
}

/** What became of what a toolkit said of a call: `late` is one that has its outcome, or is not known any more. */
export type LeaseAnswer = 'ok' | 'late' | 'lost'

/** How often leases are looked at at least, in milliseconds. */
const sweepMs = 1_000

/**
 * Keeps calls for toolkits that ask for them (rules D1 to D6): written before they are accepted, leased to one process
 * at a time, handed out again when it goes silent before it ran them.
 */
export class InboxDelivery implements Delivery {
  readonly kind = 'inbox'
  readonly #options: InboxDeliveryOptions
  readonly #limits: InboxLimits
  readonly #newId: () => string
  readonly #toolkits = new Map<string, ToolkitInbox>()
  readonly #held = new Map<string, Held>()
  readonly #sweeping: ReturnType<typeof setInterval>
  #stopped = false

  constructor(options: InboxDeliveryOptions) {
    this.#options = options
    this.#limits = options.limits
    this.#newId = options.newId ?? newUuid
    this.#sweeping = setInterval(() => this.#sweep(), Math.min(sweepMs, options.limits.leaseMs / 4)).unref()
  }

  /** How many calls wait for each toolkit, by its name. */
  *depths(): Iterable<readonly [toolkit: string, calls: number]> {
    for (const inbox of this.#toolkits.values()) if (inbox.name !== undefined) yield [inbox.name, inbox.depth]
  }

  /** Whether a toolkit polled a moment ago. */
  isOnline(toolkitId: string): boolean {
    return this.#toolkits.get(toolkitId)?.isOnline(this.#limits.inboxOnlineMs) ?? false
  }

  /** The processes that poll for a toolkit. */
  peersOf(toolkitId: string): Iterable<InboxPoller> {
    return this.#toolkits.get(toolkitId)?.pollers(this.#limits.inboxOnlineMs) ?? []
  }

  /** A process was heard of: its toolkit is online for a while. */
  seen(poller: InboxPoller): void {
    this.#inboxOf(poller.toolkitId).seen(poller)
  }

  /** A process is gone. */
  forget(poller: InboxPoller): void {
    this.#toolkits.get(poller.toolkitId)?.forget(poller)
  }

  refusal(call: Call): AtpError | undefined {
    const { appName, id } = call.toolkit
    const inbox = this.#toolkits.get(id)
    if (!inbox?.serves(call.tool.name, this.#limits.inboxOnlineMs)) {
      return new AtpError(
        'toolkit_offline',
        `Toolkit "${appName}" is not connected; start it, or send the call again later`,
      )
    }
    if (inbox.depth < this.#limits.inboxCallsPerToolkit) return undefined
    return new AtpError('queue_full', `${inbox.depth} calls wait for toolkit "${appName}"; send the call again later`)
  }

  dispatch(call: Call): AtpError | undefined {
    const refusal = this.refusal(call)
    if (refusal) return refusal
    const inbox = this.#inboxOf(call.toolkit.id)
    inbox.name = call.toolkit.appName
    this.#held.set(call.id, { call, projectId: call.key.projectId, deliveries: 0, lease: undefined })
    if (call.stored) {
      call.release()
      inbox.enqueue(call.id, call.tool.name)
      return undefined
    }
    inbox.entering += 1
    void this.#enter(call, inbox)
    return undefined
  }

  /** A stored call of an earlier server. */
  restore(call: Call, row: StoredCall): void {
    const held: Held = { call, projectId: row.projectId, deliveries: row.deliveries, lease: undefined }
    this.#inboxOf(row.toolkitId).name = call.toolkit.appName
    this.#held.set(call.id, held)
    if (row.state !== 'queued' && row.leaseId !== null) {
      const left = Math.min(Math.max(0, (row.leaseUntil ?? 0) - steadyNow()), row.timeoutMs)
      const acked = row.state === 'acked'
      held.lease = { id: row.leaseId, until: performance.now() + left, poller: undefined, acked }
      call.dispatched()
      if (acked) call.acked()
    } else this.#inboxOf(row.toolkitId).enqueue(call.id, row.tool)
  }

  cancel(call: Call, reason: string): void {
    const held = this.#held.get(call.id)
    this.#held.delete(call.id)
    this.#toolkits.get(call.toolkit.id)?.dequeue(call.id)
    held?.lease?.poller?.cancel(call.id, reason)
  }

  /**
   * Gives calls to a toolkit, when there are some or the time is over.
   * @throws AtpError what the store throws
   */
  async poll(request: PollRequest): Promise<Poll> {
    const { poller, max, waitMs, signal } = request
    const inbox = this.#inboxOf(poller.toolkitId)
    const until = performance.now() + waitMs
    const turn = inbox.enter(poller)
    for (;;) {
      inbox.seen(poller)
      // Of a poll that is over nobody would get what it takes.
      if (turn.over || signal.aborted) return { calls: [], cancelled: [] }
      const cancelled = poller.takeCancelled()
      const calls = max > 0 && inbox.hasFor(poller) ? await this.#lease(request, inbox) : []
      const leftMs = until - performance.now()
      if (cancelled.length > 0 || calls.length > 0 || leftMs <= 0) return { calls, cancelled }
      await inbox.wait(poller, max > 0, leftMs, signal)
    }
  }

  /** A toolkit asks for leave to run a call, or for more time. @throws AtpError what the store throws */
  async ack(callId: string, leaseId: string): Promise<LeaseAnswer> {
    const held = this.#held.get(callId)
    if (!held) return 'late'
    if (held.lease?.id !== leaseId) return 'lost'
    const { leaseMs } = this.#limits
    const now = steadyNow()
    const ref = { projectId: held.projectId, callId, leaseId }
    const acked = await this.#options.writer.ack(ref, now + leaseMs, now)
    if (!acked || held.lease?.id !== leaseId || held.call.ended) return 'lost'
    held.lease.acked = true
    held.lease.until = performance.now() + leaseMs
    held.call.acked()
    return 'ok'
  }

  /** Progress or a partial result. */
  part(callId: string, leaseId: string | undefined, part: CallPart): LeaseAnswer {
    const held = this.#held.get(callId)
    if (!held) return 'late'
    if (leaseId !== undefined && held.lease?.id !== leaseId) return 'lost'
    held.call.part(part)
    return 'ok'
  }

  /**
   * A result.
   * @param leaseId undefined from peers that know no leases
   */
  result(
    toolkitId: string,
    callId: string,
    leaseId: string | undefined,
    result: { ok: true; result: unknown } | { ok: false; error: WireError },
  ): LeaseAnswer {
    const held = this.#held.get(callId)
    if (held?.call.toolkit.id !== toolkitId) return 'late'
    if (held.lease === undefined || (leaseId !== undefined && held.lease.id !== leaseId)) return 'lost'
    this.#held.delete(callId)
    if (result.ok) held.call.succeed(result.result)
    else held.call.fail(result.error)
    return 'ok'
  }

  /** The oldest call of a tool that a toolkit took and did not answer, for peers that do not name the call. */
  oldestRunning(toolkitId: string, tool: string): string | undefined {
    for (const { call, lease } of this.#held.values()) {
      if (lease?.acked && call.toolkit.id === toolkitId && call.tool.name === tool) return call.id
    }
    return undefined
  }

  /** The call of an id that a process holds. */
  callOf(callId: string): Call | undefined {
    return this.#held.get(callId)?.call
  }

  /** Ends all polls, and hands out no more calls; answers are still taken. Idempotent. */
  stopPolls(): void {
    this.#stopped = true
    for (const inbox of this.#toolkits.values()) inbox.stop()
  }

  /** Idempotent. */
  stop(): void {
    this.stopPolls()
    clearInterval(this.#sweeping)
  }

  #inboxOf(toolkitId: string): ToolkitInbox {
    let inbox = this.#toolkits.get(toolkitId)
    if (!inbox) {
      inbox = new ToolkitInbox()
      if (this.#stopped) inbox.stop()
      this.#toolkits.set(toolkitId, inbox)
    }
    return inbox
  }

  async #enter(call: Call, inbox: ToolkitInbox): Promise<void> {
    try {
      await this.#options.stored.insert(call, 'inbox')
    } catch (error) {
      this.#held.delete(call.id)
      if (!isAtpError(error)) this.#options.logger.error('inbox.not_written', { error: String(error) })
      call.fail(toWireError(error))
      return
    } finally {
      inbox.entering -= 1
    }
    if (call.ended) return
    // The store has it: it need not be kept twice.
    call.release()
    inbox.enqueue(call.id, call.tool.name)
  }

  async #lease({ projectId, poller, max, ack }: PollRequest, inbox: ToolkitInbox): Promise<LeasedCall[]> {
    const { leaseMs } = this.#limits
    const now = steadyNow()
    const rows = await this.#options.writer.lease({
      projectId,
      toolkitId: poller.toolkitId,
      max,
      tools: poller.tools,
      newLeaseId: this.#newId,
      leaseUntil: now + leaseMs,
      ack,
      now,
    })
    const leased: LeasedCall[] = []
    for (const row of rows) {
      inbox.dequeue(row.id)
      const held = this.#held.get(row.id)
      // It got its outcome while it was leased.
      if (!held || held.call.ended || row.leaseId === null) continue
      const { call } = held
      held.deliveries = row.deliveries
      // Without renewals, a process has the time of the call.
      const until = performance.now() + (ack ? call.remainingMs : leaseMs)
      held.lease = { id: row.leaseId, until, poller, acked: ack === true }
      call.dispatched()
      if (ack) call.acked()
      try {
        leased.push({ call, request: await this.#options.stored.openRequest(row), leaseId: row.leaseId, leaseMs })
      } catch (error) {
        this.#held.delete(row.id)
        this.#options.logger.error('inbox.not_readable', { callId: row.id, error: String(error) })
        call.fail(toWireError(error))
      }
    }
    if (rows.length === 0) inbox.nothingFor(poller)
    return leased
  }

  #sweep(): void {
    const now = performance.now()
    for (const held of [...this.#held.values()]) {
      if (held.lease !== undefined && held.lease.until <= now) void this.#expired(held, held.lease)
    }
  }

  /** A process had a call for too long without a word. */
  async #expired(held: Held, lease: Lease): Promise<void> {
    const { call, projectId } = held
    held.lease = undefined
    if (lease.acked && !call.tool.annotations.idempotent) {
      this.#held.delete(call.id)
      const message = `Toolkit "${call.toolkit.appName}" took "${call.tool.name}" and went silent; whether it finished is unknown`
      call.fail(toWireError(new AtpError('outcome_unknown', message)))
      return
    }
    if (held.deliveries >= this.#limits.inboxDeliveries) {
      this.#held.delete(call.id)
      const message = `Toolkit "${call.toolkit.appName}" was given "${call.tool.name}" ${held.deliveries} times and never ran it to its end`
      call.fail(toWireError(new AtpError('delivery_failed', message)))
      return
    }
    try {
      await this.#options.writer.release({ projectId, callId: call.id, leaseId: lease.id })
    } catch (error) {
      // Tried again by the next sweep.
      held.lease = lease
      this.#options.logger.warn('inbox.not_released', { callId: call.id, error: String(error) })
      return
    }
    if (!call.ended) this.#inboxOf(call.toolkit.id).enqueue(call.id, call.tool.name)
  }
}
