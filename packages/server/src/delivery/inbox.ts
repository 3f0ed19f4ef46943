import { AtpError, isAtpError, toWireError, type WireError } from '@atp/core'
import type { Call, CallPart } from '../calls/call.ts'
import { steadyNow } from '../calls/steady-clock.ts'
import { tokenFor } from '../calls/stored-calls.ts'
import { newId as newUuid } from '../keys/ids.ts'
import type { StoredCall } from '../store/durable-store.ts'
import type { Delivery } from './delivery.ts'
import {
  endOf,
  type HeldCall,
  HeldCalls,
  type Lease,
  type LeaseAnswer,
  type LeaseHolder,
  restoredLease,
} from './held-calls.ts'
import type { InboxDeliveryOptions, InboxLimits } from './inbox-options.ts'
import type { LeasedCall, Poll, PollRequest } from './poll-request.ts'
import type { InboxPoller, ToolkitInbox } from './toolkit-inbox.ts'
import { ToolkitInboxes } from './toolkit-inboxes.ts'

/** How often leases are looked at at least, in milliseconds. */
const sweepMs = 1_000

/** No call may take longer, in milliseconds. */
const longestCallMs = 600_000

/**
 * Keeps calls for toolkits that ask for them (rules D1 to D6): written before they are accepted, leased to one process
 * at a time, handed out again when it goes silent before it ran them.
 */
export class InboxDelivery implements Delivery {
  readonly kind = 'inbox'
  readonly #options: InboxDeliveryOptions
  readonly #limits: InboxLimits
  readonly #newId: () => string
  readonly #inboxes: ToolkitInboxes
  readonly #held = new HeldCalls()
  readonly #sweeping: ReturnType<typeof setInterval>

  constructor(options: InboxDeliveryOptions) {
    this.#options = options
    this.#limits = options.limits
    this.#inboxes = new ToolkitInboxes(options.limits.inboxOnlineMs)
    this.#newId = options.newId ?? newUuid
    this.#sweeping = setInterval(() => this.#sweep(), Math.min(sweepMs, options.limits.leaseMs / 4)).unref()
  }

  /** How many calls wait for each toolkit, by its name. */
  depths(): Iterable<readonly [toolkit: string, calls: number]> {
    return this.#inboxes.depths()
  }

  /** The processes that poll for a toolkit. */
  peersOf(toolkitId: string): Iterable<InboxPoller> {
    return this.#inboxes.peersOf(toolkitId)
  }

  /** A process was heard of: its toolkit is online for a while. */
  seen(poller: InboxPoller): void {
    this.#inboxes.of(poller.toolkitId).seen(poller)
  }

  /** A process is gone. */
  forget(poller: InboxPoller): void {
    this.#inboxes.find(poller.toolkitId)?.forget(poller)
  }

  refusal(call: Call): AtpError | undefined {
    const { appName, id } = call.toolkit
    const inbox = this.#inboxes.find(id)
    if (!inbox?.serves(call.tool.name, this.#limits.inboxOnlineMs)) {
      return new AtpError(
        'toolkit_offline',
        `Toolkit "${appName}" is not connected; start it, or send the call again later`,
      )
    }
    if (inbox.depth < this.#limits.inboxCallsPerToolkit) return undefined
    return new AtpError('queue_full', `${inbox.depth} calls wait for toolkit "${appName}"; send the call again later`)
  }

  expect(call: Call): void {
    this.#held.add(call)
    this.#inboxes.of(call.toolkit.id).expect(call.id, call.toolkit.appName)
  }

  dispatch(call: Call): AtpError | undefined {
    if (call.stored) {
      // Whoever accepted it counted it: it waits here, whatever became of its toolkit since.
      if (!this.#held.get(call.id)) this.expect(call)
      this.#stored(call)
      return undefined
    }
    const refusal = this.refusal(call)
    if (refusal) return refusal
    this.expect(call)
    void this.#store(call)
    return undefined
  }

  /** A stored call of an earlier server. */
  restore(call: Call, row: StoredCall): void {
    const inbox = this.#inboxes.of(row.toolkitId)
    inbox.name = call.toolkit.appName
    const lease = restoredLease(row)
    this.#held.add(call, row.deliveries, lease)
    if (lease) call.dispatched()
    else inbox.enqueue(call.id, row.tool)
    if (lease?.acked) call.acked()
  }

  cancel(call: Call, reason: string): void {
    const poller = this.#held.get(call.id)?.lease?.poller
    this.#held.ending(call)
    this.#inboxes.find(call.toolkit.id)?.dequeue(call.id)
    poller?.cancel(call.id, reason)
  }

  discard(call: Call): void {
    this.#held.delete(call.id)
    this.#inboxes.find(call.toolkit.id)?.dequeue(call.id)
  }

  /**
   * Gives calls to a toolkit, when there are some or the time is over.
   * @throws AtpError what the store throws
   */
  async poll(request: PollRequest): Promise<Poll> {
    const { poller, max, waitMs, signal } = request
    const inbox = this.#inboxes.of(poller.toolkitId)
    const until = performance.now() + waitMs
    const turn = inbox.enter(poller)
    for (;;) {
      // Of a poll that is over nobody would get what it takes.
      if (turn.over || signal.aborted) return { calls: [], cancelled: [] }
      inbox.seen(poller)
      const calls = max > 0 && inbox.hasFor(poller) ? await this.#lease(request, inbox) : []
      if (turn.over || signal.aborted) {
        for (const { call, leaseId } of calls) await this.#takeBack(call, leaseId)
        return { calls: [], cancelled: [] }
      }
      // Not before: what is taken is told once, and the store may have failed.
      const cancelled = poller.takeCancelled()
      const leftMs = until - performance.now()
      if (cancelled.length > 0 || calls.length > 0 || leftMs <= 0) return { calls, cancelled }
      await inbox.wait(poller, max > 0, leftMs, signal)
    }
  }

  /** A toolkit asks for leave to run a call, or for more time. @throws AtpError what the store throws */
  async ack(callId: string, holder: LeaseHolder & { leaseId: string }): Promise<LeaseAnswer> {
    const held = this.#held.leasedTo(callId, holder)
    if (typeof held === 'string') return held
    const { call, lease } = held
    // Its process may have said hello again, to this server or the one before.
    lease.poller = holder.poller ?? lease.poller
    const { leaseMs } = this.#limits
    const now = steadyNow()
    const ref = { projectId: call.key.projectId, callId, leaseId: holder.leaseId }
    lease.renewing += 1
    let acked: boolean
    try {
      acked = await this.#options.writer.ack(ref, now + leaseMs, now)
    } finally {
      lease.renewing -= 1
    }
    if (!acked || held.lease !== lease || call.ended) return 'lost'
    lease.acked = true
    held.mayHaveRun = true
    lease.until = performance.now() + leaseMs
    call.acked()
    return 'ok'
  }

  /** Progress or a partial result. */
  part(callId: string, holder: LeaseHolder, part: CallPart): LeaseAnswer {
    const held = this.#held.leasedTo(callId, holder)
    if (typeof held === 'string') return held
    held.call.part(part)
    return 'ok'
  }

  /** A result; who brings it must keep it until it is `written`. */
  result(
    callId: string,
    holder: LeaseHolder,
    result: { ok: true; result: unknown } | { ok: false; error: WireError },
  ): LeaseAnswer {
    const held = this.#held.leasedTo(callId, holder)
    if (typeof held === 'string') return held
    this.#held.ending(held.call)
    if (result.ok) held.call.succeed(result.result)
    else held.call.fail(result.error)
    return 'ok'
  }

  /** Resolves once the outcome of a call of a toolkit is written, at once when none is being written. */
  written(toolkitId: string, callId: string): Promise<void> {
    return this.#held.written(toolkitId, callId)
  }

  /** The oldest call of a tool that a toolkit took and did not answer, for peers that do not name the call. */
  oldestRunning(toolkitId: string, tool: string): string | undefined {
    return this.#held
      .all()
      .find(({ call, lease }) => lease?.acked && call.toolkit.id === toolkitId && call.tool.name === tool)?.call.id
  }

  /** Ends the polls of a key that is revoked; what its processes have, they may still answer for nobody (rule K5). */
  closeKey(keyId: string): void {
    this.#inboxes.closeKey(keyId)
  }

  /**
   * Ends all polls, and hands out no more calls; answers are still taken. Calls that nobody was given and that end with
   * this server end now. Idempotent.
   */
  stopPolls(): void {
    this.#inboxes.stop()
    for (const { call, lease } of this.#held.all()) {
      if (call.survives || lease !== undefined || call.sent) continue
      const message = `The server restarted before "${call.tool.name}" ran; send the call again`
      this.#fail(call, new AtpError('server_shutting_down', message))
    }
  }

  /** Idempotent. */
  stop(): void {
    this.stopPolls()
    clearInterval(this.#sweeping)
  }

  async #store(call: Call): Promise<void> {
    try {
      await this.#options.stored.insert(call, 'inbox')
    } catch (error) {
      this.discard(call)
      if (!isAtpError(error)) this.#options.logger.error('inbox.not_written', { error: String(error) })
      call.fail(toWireError(error))
      return
    }
    this.#stored(call)
  }

  /** The store has it: it need not be kept twice. */
  #stored(call: Call): void {
    call.release()
    const held = call.ended ? undefined : this.#held.get(call.id)
    if (!held) this.discard(call)
    // A poll may have found it in the store already.
    else if (!held.lease) this.#inboxes.of(call.toolkit.id).enqueue(call.id, call.tool.name)
  }

  async #lease({ projectId, poller, max, ack }: PollRequest, inbox: ToolkitInbox): Promise<LeasedCall[]> {
    const { leaseMs } = this.#limits
    const { version } = inbox
    const now = steadyNow()
    const rows = await this.#options.writer.lease({
      projectId,
      toolkitId: poller.toolkitId,
      max,
      tools: poller.tools,
      newLeaseId: this.#newId,
      // Without renewals, a process has the time of the call: a restart must not shorten it.
      leaseUntil: now + (ack ? longestCallMs : leaseMs),
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
      held.deliveries += 1
      const until = performance.now() + (ack ? call.remainingMs : leaseMs)
      held.lease = { id: row.leaseId, until, poller, acked: ack === true, renewing: 0 }
      call.dispatched()
      if (ack) call.acked()
      const opened = await this.#open(call, row)
      if (opened) leased.push({ ...opened, leaseId: row.leaseId, leaseMs })
    }
    if (rows.length === 0) inbox.nothingFor(poller, version)
    return leased
  }

  /** What a call asks for; one that cannot be read ends. */
  async #open(call: Call, row: StoredCall): Promise<Pick<LeasedCall, 'call' | 'request'> | undefined> {
    const { stored, toolOf = async () => call.tool, logger } = this.#options
    try {
      const request = await stored.openRequest(row)
      return { call, request: { ...request, authToken: tokenFor(request, await toolOf(call)) } }
    } catch (error) {
      if (isAtpError(error) && error.code === 'store_unavailable') await this.#takeBack(call, row.leaseId)
      else {
        logger.error('inbox.not_readable', { callId: row.id, error: String(error) })
        this.#fail(call, error)
      }
      return undefined
    }
  }

  /** What was leased to a poll that nobody reads never left: it is no delivery. */
  async #takeBack(call: Call, leaseId: string | null): Promise<void> {
    const held = this.#held.get(call.id)
    const lease = held?.lease
    if (!held || lease?.id !== leaseId) return
    held.deliveries -= 1
    call.notWritten()
    lease.acked = false
    lease.until = 0
    await this.#expired(held, lease)
  }

  #sweep(): void {
    const now = performance.now()
    for (const held of this.#held.all()) {
      const { lease } = held
      if (lease && lease.until <= now && lease.renewing === 0) void this.#expired(held, lease)
    }
    this.#inboxes.prune()
  }

  /** A process had a call for too long without a word. */
  async #expired(held: HeldCall, lease: Lease): Promise<void> {
    const { call } = held
    held.lease = undefined
    const refused = endOf(held, lease, this.#limits.inboxDeliveries)
    if (refused) {
      this.#fail(call, refused)
      return
    }
    try {
      await this.#options.writer.release({ projectId: call.key.projectId, callId: call.id, leaseId: lease.id })
    } catch (error) {
      // Tried again by the next sweep.
      held.lease = lease
      this.#options.logger.warn('inbox.not_released', { callId: call.id, error: String(error) })
      return
    }
    if (this.#held.get(call.id) === held) this.#inboxes.of(call.toolkit.id).enqueue(call.id, call.tool.name)
  }

  #fail(call: Call, error: unknown): void {
    this.#held.ending(call)
    this.#inboxes.find(call.toolkit.id)?.dequeue(call.id)
    call.fail(toWireError(error))
  }
}
