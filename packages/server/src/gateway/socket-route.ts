import type { StoredKey } from '../store/store.ts'
import type { PeerDialect, PeerSocket } from './peer-socket.ts'

/**
 * One kind of peer: where it connects, how it says who it is, what it speaks, and who serves it then. Everything else,
 * such as keys, limits, expiry, revocation and liveness, is the same for all kinds and not a route's business.
 */
export interface SocketRoute<First = unknown> {
  /**
   * Whether this route serves an address: its path without the query, with or without a final slash. `key` is the
   * percent-decoded key in it, which older clients show there; a header's key goes first. `laterKey` is one that is
   * only looked at when neither a header nor the first frame shows one, so that it is refused in the peer's language.
   * Must not throw.
   */
  match(path: string): { key?: string | undefined; laterKey?: string | undefined } | undefined
  kind: 'toolkit' | 'llm'
  /** The largest frame of a peer that showed its key, in bytes. */
  maxFrameBytes: number
  maxSocketsPerKey: number
  greeting: Greeting<First>
  dialect: PeerDialect
  /**
   * Takes over a peer whose key is good: sets `onText`, asks for `onClose` and sends what welcomes it. `first` is what
   * the greeting read, undefined where it awaits no frame. Frames that come meanwhile wait.
   * @throws AtpError what the peer is refused with, through `greeting.refuse`
   */
  welcome(socket: PeerSocket, key: StoredKey, first: First): Promise<void>
}

/** How a peer says who it is. */
export interface Greeting<First = unknown> {
  /**
   * `false`: the key in the address or header is enough, a handshake without one is refused, and welcome runs at once.
   * `true`: one frame is awaited, which shows the key unless the handshake did (rule T4: 4 KiB, 5 s).
   */
  firstFrame: boolean
  /**
   * Reads the first frame: the key it shows, if any, and what welcome is given.
   * @throws AtpError when it is not what a first frame has to be
   */
  read(text: string): { apiKey: string | undefined; first: First }
  /**
   * Tells a peer, in its own language, why it is refused, and closes. Used after the handshake only.
   * @param firstFrame the frame that `read` refused, where its sender waits for an answer to it
   */
  refuse(socket: PeerSocket, error: unknown, firstFrame?: string): void
}

/** A `match` for one path without a key in it. */
export function exactPath(path: string): SocketRoute['match'] {
  return (asked) => (asked === path || asked === `${path}/` ? {} : undefined)
}
