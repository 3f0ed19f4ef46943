import type { Call } from '../calls/call.ts'
import type { ToolkitPeer } from '../delivery/socket.ts'
import type { PeerSocket } from '../gateway/peer-socket.ts'
import { LegacyApps } from './legacy-apps.ts'

/** What {@link LegacyPeer} is made of. */
export interface LegacyPeerOptions {
  socket: Pick<PeerSocket, 'open' | 'congested' | 'lastSeen' | 'mayBeSilentUntil' | 'send' | 'ping'>
  toolkitId: string
  projectId: string
  keyId: string
  /** Calls that may wait for this process, the running one among them; more are answered `busy`. */
  maxCalls: number
  /** Hears of a call that was sent and that the SDK never answers. */
  onUnanswered?: ((callId: string) => void) | undefined
}

/**
 * One process of a Python toolkit. It runs one tool at a time and reads nothing meanwhile, so calls wait here, where
 * they can still be cancelled, expire, or go to another process. The next one is sent when there is an answer, or when
 * the process answers a ping sent behind the last one: then it is idle although it gave no answer, as for a tool it
 * does not know, or it runs several tools at once after all.
 */
export class LegacyPeer implements ToolkitPeer {
  readonly socket: LegacyPeerOptions['socket']
  readonly toolkitId: string
  readonly projectId: string
  readonly keyId: string
  readonly maxConcurrency: number
  readonly toolsHash = undefined
  readonly running: Map<string, Call> = new Map()
  readonly #tools = new Set<string>()
  /** Tools that were registered since it was welcomed. */
  readonly #lateTools = new Set<string>()
  #welcomed = false
  readonly #waiting = new Map<string, Call>()
  /** Calls that were sent and not answered, with their deadlines in monotonic milliseconds. */
  readonly #unanswered = new Map<string, number>()
  readonly #apps = new LegacyApps()
  readonly #onUnanswered: (callId: string) => void
  /** Whether it would read a call at once. */
  #idle = true
  /** What the ping behind the last call carries; undefined when none is needed. */
  #probe: string | undefined
  #probes = 0
  #doubtedAt: number | undefined

  constructor({ socket, toolkitId, projectId, keyId, maxCalls, onUnanswered = () => {} }: LegacyPeerOptions) {
    this.#onUnanswered = onUnanswered
    this.socket = socket
    this.toolkitId = toolkitId
    this.projectId = projectId
    this.keyId = keyId
    this.maxConcurrency = maxCalls
  }

  get tools(): ReadonlySet<string> {
    return this.#tools
  }

  /** Tools of its toolkit that it is taken to serve. */
  addTools(names: Iterable<string>): void {
    for (const name of names) {
      if (this.#welcomed && !this.#tools.has(name)) this.#lateTools.add(name)
      this.#tools.add(name)
    }
  }

  /**
   * A younger process is there: what was registered since this one was welcomed is taken for its work. An old version
   * would never answer a call of a tool it does not have.
   */
  leaveLateTools(): void {
    for (const name of this.#lateTools) this.#tools.delete(name)
    this.#lateTools.clear()
  }

  /** It was greeted: calls may come. */
  welcomed(): void {
    this.#welcomed = true
  }

  /** Whether it was not greeted yet, or nobody knows that it still is there: no sign of life came since `doubt`. */
  get paused(): boolean {
    if (!this.#welcomed) return true
    return this.#doubtedAt !== undefined && this.socket.lastSeen <= this.#doubtedAt
  }

  /** Asks for a sign of life, and gets no calls until there is one. */
  doubt(): void {
    this.#doubtedAt = performance.now()
    this.socket.ping()
  }

  sendCall(call: Call): void {
    this.#waiting.set(call.id, call)
    this.#sendNext()
  }

  /** The founding protocol has no word for it: what was sent runs on. */
  sendCancel(callId: string): void {
    this.#waiting.delete(callId)
  }

  /** It answered a call; late answers count too, because only then it is free for the next one. */
  answered(callId: string): void {
    if (!this.#unanswered.delete(callId)) return
    if (this.#unanswered.size === 0) this.#idle = true
    this.#allowSilence()
    this.#sendNext()
  }

  /** Which call a process answers that names the one that opened its session. */
  callOfSession(startId: string): string | undefined {
    return this.#apps.callOf(startId)
  }

  /** It answered a ping. If that was the one behind the last call, it has read the call and would read another one. */
  onPong(data: string): void {
    if (data !== this.#probe) return
    this.#probe = undefined
    this.#idle = true
    this.#sendNext()
  }

  /** The connection has ended: what still waits was never sent. */
  close(): void {
    for (const call of this.#waiting.values()) call.notWritten()
    this.#waiting.clear()
  }

  #sendNext(): void {
    const [call] = this.#waiting.values()
    // On a socket that is being closed a call would seem to have been sent.
    if (!call || !this.socket.open) return
    if (this.#idle) {
      this.#waiting.delete(call.id)
      this.#idle = false
      this.#probe = undefined
      this.#expect(call)
      this.#allowSilence()
      this.socket.send(this.#apps.encode(call), call)
      // Its end is told, and not answered.
      if (call.app?.event === 'close') this.#endUnanswered(call)
    }
    if (this.#waiting.size > 0 && this.#probe === undefined) {
      this.#probes += 1
      this.#probe = `next-${this.#probes}`
      this.socket.ping(this.#probe)
    }
  }

  #endUnanswered({ id }: Call): void {
    this.#unanswered.delete(id)
    this.#idle = true
    // Not before whoever sent it knows that it was sent.
    queueMicrotask(() => this.#onUnanswered(id))
  }

  #expect(call: Call): void {
    const now = performance.now()
    // What was not answered in time, as a tool the process does not know, would be kept for ever.
    for (const [id, deadline] of this.#unanswered) if (deadline < now) this.#unanswered.delete(id)
    this.#unanswered.set(call.id, now + call.remainingMs)
  }

  /** While a tool runs, the process answers nothing: it is given up only when that call's time is over. */
  #allowSilence(): void {
    this.socket.mayBeSilentUntil = Math.max(0, ...this.#unanswered.values())
  }
}
