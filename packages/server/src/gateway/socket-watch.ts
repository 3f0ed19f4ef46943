import type { ServerLimits } from '../limits.ts'
import type { PeerSocket } from './peer-socket.ts'

/** How often it looks at most: with a shorter heartbeat, as often as that. */
const tickMs = 1_000

/** Pings all sockets and ends the silent and the stuck ones; one timer for all of them. */
export class SocketWatch {
  readonly #limits: ServerLimits
  readonly #nextPing = new Map<PeerSocket, number>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(limits: ServerLimits) {
    this.#limits = limits
    this.#timer = setInterval(() => this.#tick(), Math.min(tickMs, limits.heartbeatMs))
  }

  get sockets(): Iterable<PeerSocket> {
    return this.#nextPing.keys()
  }

  get size(): number {
    return this.#nextPing.size
  }

  add(socket: PeerSocket): void {
    this.#nextPing.set(socket, performance.now() + this.#pingDelay())
  }

  remove(socket: PeerSocket): void {
    this.#nextPing.delete(socket)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Jitter keeps thousands of sockets that connected together from being pinged together. */
  #pingDelay(): number {
    return this.#limits.heartbeatMs * (0.8 + Math.random() * 0.4)
  }

  #tick(): void {
    const now = performance.now()
    for (const [socket, nextPing] of this.#nextPing) {
      if (this.#isDead(socket, now) || this.#isStuck(socket, now)) {
        socket.terminate()
      } else if (now >= nextPing) {
        socket.ping()
        this.#nextPing.set(socket, now + this.#pingDelay())
      }
    }
  }

  #isDead(socket: PeerSocket, now: number): boolean {
    return now - socket.lastSeen > this.#limits.livenessMs && now >= socket.mayBeSilentUntil
  }

  #isStuck(socket: PeerSocket, now: number): boolean {
    if (!socket.congested) {
      socket.congestedSince = undefined
      return false
    }
    socket.congestedSince ??= now
    return now - socket.congestedSince > this.#limits.stuckMs && now >= socket.mayBeSilentUntil
  }
}
