import { AtpError, toWireError } from '@atp/core'
import type { ResultFrame } from '@atp/core/protocol'
import { type Call, type CallPart, disconnectedError, statusOf } from '../calls/call.ts'
import type { PeerSocket } from '../gateway/peer-socket.ts'
import { AppSessions } from './app-sessions.ts'
import type { Delivery } from './delivery.ts'
import { EndingCalls } from './ending-calls.ts'
import { LostCalls } from './lost-calls.ts'
import { RetryBudget } from './retry-budget.ts'

/** One process that serves a toolkit, behind its socket, whatever it speaks. */
export interface ToolkitPeer {
  readonly socket: Pick<PeerSocket, 'open' | 'congested'>
  readonly toolkitId: string
  /** What this process registered: only these tools are sent to it. */
  tools: ReadonlySet<string>
  /** The hash it registered them under. */
  toolsHash: string | undefined
  /** Calls it takes at once; more are answered `busy`. */
  readonly maxConcurrency: number
  /** Names the process where it keeps its results until they arrive: it may connect again and still answer. */
  readonly resumableAs?: string | undefined
  /** What runs there, by call id; kept by the delivery. */
  readonly running: Map<string, Call>
  /** It gets no calls at the moment: it asked for none, or nobody knows whether it still is there. */
  paused: boolean
  /**
   * Sends a call, with its token only if the tool declares auth (rule V10). A call that is given to `PeerSocket.send`
   * hears whether it left: else its request is kept until it ends, and it counts as sent.
   */
  sendCall(call: Call): void
  /** Tells it that nobody waits for this call any more. */
  sendCancel(callId: string, reason: string): void
}

/** How a {@link SocketDelivery} deals with what is lost. */
export interface SocketDeliveryOptions {
  /** How often one call is sent at most. @default 3 */
  maxAttempts?: number
  /** Shared with the other deliveries. @default one of its own */
  retryBudget?: RetryBudget
  /** How long the calls of a lost process wait for it to come back, in milliseconds. @default 4_000 */
  resumeMs?: number
}

/** Sends calls over the sockets of connected toolkits. */
export class SocketDelivery implements Delivery {
  readonly kind = 'socket'
  readonly #peers = new Map<string, Set<ToolkitPeer>>()
  readonly #peerOfCall = new Map<string, ToolkitPeer>()
  readonly #maxAttempts: number
  readonly #retryBudget: RetryBudget
  readonly #lost: LostCalls
  readonly #ending = new EndingCalls()
  /** The processes of calls that are being stored: those of one batch must not all go to the same one. */
  readonly #expected = new Map<string, ToolkitPeer>()
  readonly #expectedBy = new WeakMap<ToolkitPeer, number>()
  /** Processes that came back and have no tools yet, and whether what they do not have never got there. */
  readonly #returning = new WeakMap<ToolkitPeer, { isComplete: boolean }>()
  #stopped = false
  readonly #apps = new AppSessions()
  readonly #names = new WeakMap<ToolkitPeer, string>()
  #lastName = 0

  constructor({ maxAttempts = 3, retryBudget = new RetryBudget(), resumeMs = 4_000 }: SocketDeliveryOptions = {}) {
    this.#maxAttempts = maxAttempts
    this.#retryBudget = retryBudget
    this.#lost = new LostCalls({ waitMs: resumeMs, onGivenUp: (call, neverGot) => this.#redirect(call, neverGot) })
  }

  /** How many toolkits have a process that is connected. */
  get connectedToolkits(): number {
    return this.#peers.size
  }

  /** Makes a peer known; it gets calls once it has tools. */
  add(peer: ToolkitPeer): void {
    const peers = this.#peers.get(peer.toolkitId) ?? new Set()
    this.#peers.set(peer.toolkitId, peers.add(peer))
  }

  /** The peers of a toolkit. */
  peersOf(toolkitId: string): ReadonlySet<ToolkitPeer> {
    return this.#peers.get(toolkitId) ?? new Set()
  }

  /**
   * The peer is gone. What never left for it goes to another process or ends as offline or busy; so does what ran there
   * where the tool is idempotent. Any other call waits a moment if its process may come back with the answer, and then
   * ends as `toolkit_disconnected`, as nobody knows whether it ran (rule X5).
   */
  remove(peer: ToolkitPeer): void {
    const peers = this.#peers.get(peer.toolkitId)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peers.delete(peer.toolkitId)
    // A registration of it that ends later says nothing of the connection that takes its place.
    this.#returning.delete(peer)
    const orphans = [...peer.running.values()]
    peer.running.clear()
    for (const call of orphans) {
      this.#peerOfCall.delete(call.id)
      // Its process may bring the answer to the next server.
      if (this.#stopped && call.survives) this.#lost.add(call, { process: peer.resumableAs })
      else if (call.sent && peer.resumableAs !== undefined) {
        // Another process may begin at once with what may run twice.
        if (this.#mayRunTwice(call) && this.#dispatchAgain(call)) continue
        this.#lost.add(call, { process: peer.resumableAs })
      } else this.#redirect(call)
    }
  }

  /**
   * Calls of an earlier server that may have reached a process: they wait until one says that it has them, or the one
   * that they were meant for says that it has not.
   */
  restore(call: Call, waitMs: number): void {
    call.dispatched()
    this.#lost.add(call, { process: call.meantFor, orAnother: true, waitMs })
  }

  /**
   * A process is back and says which calls it still runs or will answer: they go on there. What it had and does not name
   * is lost, once it has registered: it may take again what may run twice, and what an earlier server meant for it and
   * did not send.
   * @param isComplete whether it names every call that it ever got and that has no outcome
   */
  resume(peer: ToolkitPeer, callIds: readonly string[], isComplete: boolean = false): void {
    this.#takeBack(peer, callIds)
    this.#returning.set(peer, { isComplete })
    if (peer.tools.size > 0) this.registered(peer)
  }

  /** A process has registered its tools, or some more, or was asked to send them. */
  registered(peer: ToolkitPeer): void {
    const returning = this.#returning.get(peer)
    if (!returning || peer.resumableAs === undefined || peer.tools.size === 0) return
    this.#returning.delete(peer)
    this.#lost.giveUp(peer.resumableAs, returning.isComplete)
  }

  expect(call: Call): void {
    const peer = this.#choose(call)
    if (peer instanceof AtpError) return
    call.meantFor = peer.resumableAs
    this.#expected.set(call.id, peer)
    this.#expectedBy.set(peer, (this.#expectedBy.get(peer) ?? 0) + 1)
  }

  discard({ id }: Call): void {
    const peer = this.#expected.get(id)
    if (!peer) return
    this.#expected.delete(id)
    this.#expectedBy.set(peer, (this.#expectedBy.get(peer) ?? 1) - 1)
  }

  refusal(call: Call): AtpError | undefined {
    const peer = this.#choose(call)
    return peer instanceof AtpError ? peer : undefined
  }

  dispatch(call: Call): AtpError | undefined {
    if (call.stored) this.discard(call)
    const peer = this.#choose(call)
    if (peer instanceof AtpError) return peer
    if (call.attempts === 0) this.#retryBudget.count()
    peer.running.set(call.id, call)
    this.#peerOfCall.set(call.id, peer)
    call.dispatched()
    if (call.app) this.#apps.note(call, this.#nameOf(peer))
    peer.sendCall(call)
    return undefined
  }

  cancel(call: Call, reason: string): void {
    this.#lost.forget(call)
    this.#ending.add(call)
    this.#release(call.id)?.sendCancel(call.id, reason)
  }

  /** Progress or a partial result arrived. */
  onPart(peer: ToolkitPeer, callId: string, part: CallPart): void {
    peer.running.get(callId)?.part(part)
  }

  /**
   * The call that a process answers: it runs there, was lost with an earlier connection of it, or has its answer, which
   * is being written.
   */
  callOf(peer: ToolkitPeer, callId: string): Call | undefined {
    if (!peer.running.has(callId)) this.#takeBack(peer, [callId])
    return peer.running.get(callId) ?? this.#ending.get(peer.toolkitId, callId)
  }

  /** A result arrived. Late and unknown ones are dropped: the first outcome won. */
  onResult(peer: ToolkitPeer, frame: ResultFrame): void {
    const call = this.callOf(peer, frame.requestId)
    if (!call || call.ended) return
    this.#release(call.id)
    this.#ending.add(call)
    if (frame.ok) call.succeed(frame.result)
    // Refused here, it may have run where it was lost before.
    else if (call.mayHaveRun && statusOf(frame.error) === 'delivery_failed')
      call.fail(toWireError(disconnectedError(call)))
    else call.fail(frame.error)
  }

  /** Ends no call any more whose process is lost: those that survive go on with the next server. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#lost.stop()
  }

  #takeBack(peer: ToolkitPeer, callIds: readonly string[]): void {
    for (const call of this.#lost.take(peer.toolkitId, peer.resumableAs, callIds)) {
      peer.running.set(call.id, call)
      this.#peerOfCall.set(call.id, peer)
    }
  }

  /** @param neverGot whether the process that an earlier server meant it for never got it */
  #redirect(call: Call, neverGot: boolean = false): void {
    if (call.ended) return
    // What may run twice is bound to no process: another one may have got it.
    if (neverGot && call.tool.annotations.idempotent !== true) call.notWritten()
    if (!call.sent) {
      const refusal = this.dispatch(call)
      if (refusal) call.fail(toWireError(refusal))
      return
    }
    if (this.#mayRunTwice(call) && this.#dispatchAgain(call, neverGot)) return
    this.#ending.add(call)
    call.fail(toWireError(disconnectedError(call)))
  }

  #mayRunTwice(call: Call): boolean {
    return call.tool.annotations.idempotent === true && call.attempts < this.#maxAttempts
  }

  /** @param isFirst whether it is hardly a repetition, and so needs no budget */
  #dispatchAgain(call: Call, isFirst: boolean = false): boolean {
    if (this.refusal(call) !== undefined || !(isFirst || this.#retryBudget.take())) return false
    return this.dispatch(call) === undefined
  }

  #release(callId: string): ToolkitPeer | undefined {
    const peer = this.#peerOfCall.get(callId)
    this.#peerOfCall.delete(callId)
    peer?.running.delete(callId)
    return peer
  }

  /** What tells a process from others, also when it comes back. */
  #nameOf(peer: ToolkitPeer): string {
    if (peer.resumableAs !== undefined) return peer.resumableAs
    const known = this.#names.get(peer)
    if (known !== undefined) return known
    this.#lastName += 1
    const name = `process ${this.#lastName}`
    this.#names.set(peer, name)
    return name
  }

  /**
   * Among the processes that registered the tool, the one that a call was meant for, else the one with the fewest calls.
   * What is stored for one process goes to no other where it may not run twice: the next server would not know of it.
   */
  #choose(call: Call): ToolkitPeer | AtpError {
    const isBound = call.stored && call.meantFor !== undefined && call.tool.annotations.idempotent !== true
    let best: ToolkitPeer | undefined
    let fewest = Number.POSITIVE_INFINITY
    let serving = 0
    let strangers = 0
    for (const peer of this.#peers.get(call.toolkit.id) ?? []) {
      if (peer.paused || !peer.tools.has(call.tool.name) || !peer.socket.open) continue
      const isMeant = call.meantFor !== undefined && call.meantFor === peer.resumableAs
      if (isBound && !isMeant) continue
      if (call.app && !this.#apps.mayGoTo(call, this.#nameOf(peer))) {
        strangers += 1
        continue
      }
      serving += 1
      const calls = peer.running.size + (this.#expected.size === 0 ? 0 : (this.#expectedBy.get(peer) ?? 0))
      if (calls >= peer.maxConcurrency || peer.socket.congested) continue
      if (isMeant) return peer
      if (calls >= fewest) continue
      best = peer
      fewest = calls
    }
    if (best) return best
    const { appName } = call.toolkit
    if (serving === 0 && strangers > 0) {
      return new AtpError(
        'not_found',
        `Toolkit "${appName}" has no such session of "${call.tool.name}"; open a new one`,
      )
    }
    return serving === 0
      ? new AtpError('toolkit_offline', `Toolkit "${appName}" is not connected; start it, or send the call again later`)
      : new AtpError('busy', `Toolkit "${appName}" is busy with other calls; send the call again later`)
  }
}
