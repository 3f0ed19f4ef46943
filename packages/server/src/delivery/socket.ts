import { AtpError } from '@atp/core'
import { encodeFrame, type ResultFrame } from '@atp/core/protocol'
import { type Call, disconnectedError } from '../calls/call.ts'
import type { PeerSocket } from '../gateway/peer-socket.ts'
import type { Delivery } from './delivery.ts'

/** One process that serves a toolkit, behind its socket. */
export interface ToolkitPeer {
  readonly socket: PeerSocket
  readonly toolkitId: string
  /** What this process registered: only these tools are sent to it. */
  tools: ReadonlySet<string>
  /** The hash it registered them under. */
  toolsHash: string | undefined
  readonly maxConcurrency: number
  readonly running: Map<string, Call>
  /** It asked for no more calls. */
  draining: boolean
}

/** Sends calls over the sockets of connected toolkits. */
export class SocketDelivery implements Delivery {
  readonly #peers = new Map<string, Set<ToolkitPeer>>()
  readonly #peerOfCall = new Map<string, ToolkitPeer>()

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
   * The peer is gone: what ran there goes to another process where the tool is idempotent, and otherwise ends as
   * `toolkit_disconnected`, because nobody knows whether it ran (rule X5).
   */
  remove(peer: ToolkitPeer): void {
    const peers = this.#peers.get(peer.toolkitId)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peers.delete(peer.toolkitId)
    const orphans = [...peer.running.values()]
    peer.running.clear()
    for (const call of orphans) {
      this.#peerOfCall.delete(call.id)
      if (call.tool.annotations.idempotent && this.dispatch(call) === undefined) continue
      const { code, message, retryable } = disconnectedError(call)
      call.fail({ code, message, retryable })
    }
  }

  dispatch(call: Call): AtpError | undefined {
    const peer = this.#choose(call)
    if (peer instanceof AtpError) return peer
    peer.running.set(call.id, call)
    this.#peerOfCall.set(call.id, peer)
    call.dispatched()
    peer.socket.send(
      encodeFrame({
        type: 'call',
        requestId: call.id,
        tool: call.tool.name,
        params: call.params,
        deadlineMs: Math.ceil(call.remainingMs),
        // A token only ever reaches a tool that declares auth (rule V10).
        authToken: call.tool.auth === null ? undefined : call.authToken,
        meta: call.meta,
      }),
    )
    // Only an idempotent call can be sent a second time; a megabyte for each of the others would be kept for nothing.
    if (!call.tool.annotations.idempotent) call.release()
    return undefined
  }

  cancel(call: Call, reason: string): void {
    const peer = this.#release(call.id)
    peer?.socket.send(encodeFrame({ type: 'cancel', requestId: call.id, reason }))
  }

  /** A result arrived. Late and unknown ones are dropped: the first outcome won. */
  onResult(peer: ToolkitPeer, frame: ResultFrame): void {
    const call = peer.running.get(frame.requestId)
    if (!call) return
    this.#release(call.id)
    if (frame.ok) call.succeed(frame.result)
    else call.fail(frame.error)
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
      if (peer.draining || !peer.tools.has(call.tool.name) || !peer.socket.open) continue
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
