import { AtpError, toWireError } from '@atp/core'
import type { ResultFrame } from '@atp/core/protocol'
import { type Call, disconnectedError } from '../calls/call.ts'
import type { PeerSocket } from '../gateway/peer-socket.ts'
import type { Delivery } from './delivery.ts'

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

/** Sends calls over the sockets of connected toolkits. */
export class SocketDelivery implements Delivery {
  readonly #peers = new Map<string, Set<ToolkitPeer>>()
  readonly #peerOfCall = new Map<string, ToolkitPeer>()
  readonly #maxAttempts: number

  /** @param maxAttempts how often one call is sent at most. @default 3 */
  constructor({ maxAttempts = 3 }: { maxAttempts?: number } = {}) {
    this.#maxAttempts = maxAttempts
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
   * where the tool is idempotent. Any other call ends as `toolkit_disconnected`, as nobody knows whether it ran (rule X5).
   */
  remove(peer: ToolkitPeer): void {
    const peers = this.#peers.get(peer.toolkitId)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peers.delete(peer.toolkitId)
    const orphans = [...peer.running.values()]
    peer.running.clear()
    for (const call of orphans) {
      this.#peerOfCall.delete(call.id)
      this.#redirect(call)
    }
  }

  dispatch(call: Call): AtpError | undefined {
    const peer = this.#choose(call)
    if (peer instanceof AtpError) return peer
    peer.running.set(call.id, call)
    this.#peerOfCall.set(call.id, peer)
    call.dispatched()
    peer.sendCall(call)
    return undefined
  }

  cancel(call: Call, reason: string): void {
    this.#release(call.id)?.sendCancel(call.id, reason)
  }

  /** A result arrived. Late and unknown ones are dropped: the first outcome won. */
  onResult(peer: ToolkitPeer, frame: ResultFrame): void {
    const call = peer.running.get(frame.requestId)
    if (!call) return
    this.#release(call.id)
    if (frame.ok) call.succeed(frame.result)
    else call.fail(frame.error)
  }

  #redirect(call: Call): void {
    if (!call.sent) {
      const refusal = this.dispatch(call)
      if (refusal) call.fail(toWireError(refusal))
      return
    }
    const again = call.tool.annotations.idempotent && call.attempts < this.#maxAttempts
    if (again && this.dispatch(call) === undefined) return
    call.fail(toWireError(disconnectedError(call)))
  }

  #release(callId: string): ToolkitPeer | undefined {
    const peer = this.#peerOfCall.get(callId)
    this.#peerOfCall.delete(callId)
    peer?.running.delete(callId)
    return peer
  }

  /** Among the processes that registered the tool, the one with the fewest calls. */
  #choose(call: Call): ToolkitPeer | AtpError {
    let best: ToolkitPeer | undefined
    let serving = 0
    for (const peer of this.#peers.get(call.toolkit.id) ?? []) {
      if (peer.paused || !peer.tools.has(call.tool.name) || !peer.socket.open) continue
      serving += 1
      if (peer.running.size >= peer.maxConcurrency || peer.socket.congested) continue
      if (!best || peer.running.size < best.running.size) best = peer
    }
    if (best) return best
    const { appName } = call.toolkit
    return serving === 0
      ? new AtpError('toolkit_offline', `Toolkit "${appName}" is not connected; start it, or send the call again later`)
      : new AtpError('busy', `Toolkit "${appName}" is busy with other calls; send the call again later`)
  }
}
