import { AtpError } from '@atp/core'
import { closeCodes } from '@atp/core/protocol'
import type { KeyService } from '../keys/key-service.ts'
import type { ServerLimits } from '../limits.ts'
import type { StoredKey } from '../store/store.ts'
import type { KeyGuard } from './key-guard.ts'
import type { PeerSocket } from './peer-socket.ts'
import { RateWindow } from './rate-window.ts'
import type { SocketRoute } from './socket-route.ts'
import { UnauthenticatedSockets } from './unauthenticated-sockets.ts'

/** What {@link SocketAdmission} is made of. */
export interface SocketAdmissionOptions {
  keys: Pick<KeyService, 'isLive'>
  keyGuard: KeyGuard
  limits: ServerLimits
}

/** Decides which sockets may be opened with which key, and closes them when their key ends (rules K5, T4 and T8). */
export class SocketAdmission {
  readonly #options: SocketAdmissionOptions
  readonly #socketsByKey = new Map<string, Set<PeerSocket>>()
  readonly #unauthenticated: UnauthenticatedSockets
  readonly #connectsOfKey: RateWindow
  readonly #connects: RateWindow
  /** Counted apart, so that peers without a key cannot use up what is there for those with one. */
  readonly #keylessConnects: RateWindow
  readonly #keylessConnectsOfAddress: RateWindow

  constructor(options: SocketAdmissionOptions) {
    const { limits } = options
    this.#options = options
    this.#unauthenticated = new UnauthenticatedSockets(limits)
    // As many names as there are keys, which no peer can make.
    this.#connectsOfKey = new RateWindow(limits.connectsPerKeyPer10s, 10_000, { maxNames: Number.POSITIVE_INFINITY })
    this.#connects = new RateWindow(limits.connectsPerSecond, 1_000)
    this.#keylessConnects = new RateWindow(limits.connectsPerSecond, 1_000)
    this.#keylessConnectsOfAddress = new RateWindow(limits.keylessConnectsPerAddressPer10s, 10_000)
  }

  /**
   * The key behind a text that a peer showed, if it may open one more socket now.
   * @throws AtpError `unauthorized`, `forbidden` or `rate_limited`
   */
  async authenticate(text: string | undefined, route: SocketRoute, address: string): Promise<StoredKey> {
    const key = await this.#options.keyGuard.authenticate(text ?? '', route.kind, address)
    limited(this.#connectsOfKey.take(key.id), 'This key connects too often')
    this.#checkSockets(key, route)
    return key
  }

  /**
   * Counts a handshake that showed a good key and is about to be accepted. Refused ones do not count (rule T8): a flood
   * of wrong keys must not shut out the right ones.
   * @throws AtpError `rate_limited`
   */
  countConnect(): void {
    limited(this.#connects.take(''), 'This server takes no more new connections at the moment')
  }

  /**
   * Counts a handshake without a key, which has to come with the first frame, and takes one of the few places for
   * sockets that have not shown theirs yet (rule T4). The place is given back by what this returns, once or often.
   * @throws AtpError `rate_limited`
   */
  enterWithoutKey(address: string): () => void {
    const tooOften = 'This address connects without a key too often'
    // First by address, so that one of them cannot use up what all share.
    limited(this.#keylessConnectsOfAddress.take(address), tooOften)
    limited(this.#keylessConnects.take(''), 'This server takes no more new connections without a key at the moment')
    return this.#unauthenticated.enter(address)
  }

  /**
   * Counts a socket among those of its key, until it closes; it is closed when the key is revoked or expires.
   * @throws AtpError `rate_limited`, or `unauthorized` when the key was revoked since it was authenticated
   */
  async enter(peer: PeerSocket, key: StoredKey, route: SocketRoute): Promise<void> {
    // Again, because many may have been let in before the first of them said hello.
    this.#checkSockets(key, route)
    const sockets = this.#socketsByKey.get(key.id) ?? new Set()
    this.#socketsByKey.set(key.id, sockets.add(peer))
    peer.onClose(() => {
      sockets.delete(peer)
      if (sockets.size === 0 && this.#socketsByKey.get(key.id) === sockets) this.#socketsByKey.delete(key.id)
    })
    if (key.expiresAt !== null) closeAtExpiry(peer, key.expiresAt)
    // Looked at again now that a revocation finds this socket: one that came before could not.
    if (!(await this.#options.keys.isLive(key))) throw new AtpError('unauthorized', 'The key was revoked')
  }

  /** Closes the sockets of a revoked key (rule K5). */
  closeKey(keyId: string): void {
    for (const socket of this.#socketsByKey.get(keyId) ?? []) {
      socket.close(closeCodes.unauthorized, 'the key was revoked')
    }
  }

  #checkSockets(key: StoredKey, route: SocketRoute): void {
    if ((this.#socketsByKey.get(key.id)?.size ?? 0) < route.maxSocketsPerKey) return
    throw new AtpError(
      'rate_limited',
      `This key has ${route.maxSocketsPerKey} open sockets, which is its limit; close one or use another key`,
      { details: { retryAfterMs: 5_000 } },
    )
  }
}

/** The wall clock may be set, and a timer takes no more than 24.8 days: expiry is looked at again this often. */
const expiryCheckMs = 3_600_000

/** A socket lives no longer than the key that opened it. */
function closeAtExpiry(peer: PeerSocket, expiresAt: number): void {
  let timer: ReturnType<typeof setTimeout>
  const look = (): void => {
    const leftMs = expiresAt - Date.now()
    if (leftMs > 0) timer = setTimeout(look, Math.min(leftMs, expiryCheckMs))
    else peer.close(closeCodes.unauthorized, 'the key expired')
  }
  look()
  peer.onClose(() => clearTimeout(timer))
}

function limited(waitMs: number, message: string): void {
  if (waitMs === 0) return
  throw new AtpError('rate_limited', `${message}; try again later`, { details: { retryAfterMs: Math.ceil(waitMs) } })
}
