import type { Duplex } from 'node:stream'
import type { Logger } from '@atp/core'
import { AtpError } from '@atp/core'
import { closeCodes } from '@atp/core/protocol'
import type { RawData, WebSocket } from 'ws'
import type { ServerLimits } from '../limits.ts'
import { logDefect } from '../logging/log-defect.ts'
import { FrameWriter, type SentItem } from './frame-writer.ts'
import type { SocketWatch } from './socket-watch.ts'

/** What the server says of itself, in the language of a peer. Undefined: its language has no words for it. */
export interface PeerDialect {
  /** A frame, or the request with this id, cannot be served. */
  error(error: unknown, requestId: string | undefined): string | undefined
  /** The server is about to close: nothing new is taken, answers are for `deadlineMs`. */
  drain(deadlineMs: number): string | undefined
}

/** What a {@link PeerSocket} is made of. */
export interface PeerSocketOptions {
  socket: WebSocket
  /** The connection under the socket, for writing many frames at once. */
  stream: Duplex
  dialect: PeerDialect
  limits: ServerLimits
  watch: SocketWatch
  logger: Logger
}

/** How long a peer may take to answer our closing handshake. */
const closeTimeoutMs = 2_000

/** A peer's socket with our manners: batched writes, back-pressure, signs of life, and an answer to every bad frame. */
export class PeerSocket {
  readonly #socket: WebSocket
  readonly #writer: FrameWriter
  readonly #dialect: PeerDialect
  readonly #limits: ServerLimits
  readonly #logger: Logger
  #badFrames = 0
  #badFramesSince = 0
  /** Ends a peer that does not answer our closing handshake. */
  #closing: ReturnType<typeof setTimeout> | undefined
  #gone = false
  readonly #closeListeners: (() => void)[] = []
  /** When a sign of life was last seen; monotonic milliseconds. */
  lastSeen: number = performance.now()
  /**
   * Until then silence is no sign of death, nor is it that nothing is read, for peers that do neither while a tool runs;
   * monotonic milliseconds. Set by the gateway.
   */
  mayBeSilentUntil = 0
  /** Since when the peer does not read; monotonic milliseconds. */
  congestedSince: number | undefined
  /** Gets every text frame; set by whoever owns the socket at the moment. */
  onText: (text: string) => void = () => {}
  /** Gets what the answer to a ping of ours carries; set by the gateway. Must not throw. */
  onPong: (data: string) => void = () => {}

  constructor({ socket, stream, dialect, limits, watch, logger }: PeerSocketOptions) {
    this.#socket = socket
    this.#writer = new FrameWriter(socket, stream)
    this.#dialect = dialect
    this.#limits = limits
    this.#logger = logger
    watch.add(this)
    socket.on('message', (data: RawData, isBinary: boolean) => {
      // A peer that is being closed, because its key was revoked for instance, is not served any more.
      if (this.#closing !== undefined) return
      this.lastSeen = performance.now()
      if (isBinary) this.refuse(new AtpError('invalid_request', 'Binary frames are not taken; send JSON as text'))
      else this.#received(data.toString())
    })
    const alive = (): void => {
      this.lastSeen = performance.now()
    }
    // ws answers pings, and ends a peer that has it wait with too many answers.
    socket.on('ping', alive)
    socket.on('pong', (data: Buffer) => {
      alive()
      this.onPong(data.toString())
    })
    // Oversized frames and broken UTF-8 end in 'close' with 1009 and 1007; without a listener they end the process (T3).
    socket.on('error', (error) => logger.debug('socket.error', { error: error.message }))
    socket.on('close', (code) => {
      clearTimeout(this.#closing)
      this.#gone = true
      watch.remove(this)
      logger.debug('socket.closed', { code })
      this.#writer.ended()
      for (const listener of this.#closeListeners) listener()
    })
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Whether the connection has ended, and all that asked for it were told. */
  get gone(): boolean {
    return this.#gone
  }

  /** Calls back once the connection has ended, at once if it has: whoever asks is told in any case. Must not throw. */
  onClose(listener: () => void): void {
    if (this.#gone) listener()
    else this.#closeListeners.push(listener)
  }

  /** Whether so much waits to be written that no new call should go this way (rule T6). */
  get congested(): boolean {
    return this.#writer.backlog > this.#limits.bufferedBusyBytes
  }

  /** Whether little more may wait before the socket is closed. */
  get overloaded(): boolean {
    return this.#writer.backlog > this.#limits.bufferedCloseBytes * 0.75
  }

  /** Sends a text frame; `item` hears whether it left. Nothing happens on a socket that is not open. */
  send(text: string, item?: SentItem): void {
    if (!this.open) return
    this.#writer.send(text, item)
    if (this.#writer.backlog > this.#limits.bufferedCloseBytes) this.#dropReader()
  }

  /** Answers a frame that cannot be served; a peer that does nothing else is closed. */
  refuse(error: AtpError, requestId?: string): void {
    const now = performance.now()
    if (now - this.#badFramesSince > 10_000) {
      this.#badFramesSince = now
      this.#badFrames = 0
    }
    this.#badFrames += 1
    this.#tell(this.#dialect.error(error, requestId))
    if (this.#badFrames > this.#limits.badFramesPer10s) {
      this.close(closeCodes.protocolError, 'too many frames that cannot be read')
    }
  }

  /** Tells the peer that the server is about to close. */
  drain(deadlineMs: number): void {
    this.#tell(this.#dialect.drain(deadlineMs))
  }

  /** @param data what the answer will carry, at most 125 bytes */
  ping(data: string = ''): void {
    if (this.open) this.#socket.ping(data)
  }

  /** Says good-bye; from now on nothing that the peer sends is heard, and it has two seconds to go. */
  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#gone) return
    this.#closing = setTimeout(() => this.#socket.terminate(), closeTimeoutMs)
    this.#socket.close(code, clipReason(reason))
  }

  /** Ends the connection without waiting for the peer. */
  terminate(): void {
    this.#socket.terminate()
  }

  #received(text: string): void {
    try {
      this.onText(text)
    } catch (error) {
      // A defect of ours must cost this frame its answer's detail, never the process.
      logDefect(this.#logger, error)
      this.#tell(this.#dialect.error(error, undefined))
    }
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.send(text)
  }

  #dropReader(): void {
    this.#logger.warn('socket.not_reading', { bufferedBytes: this.#writer.backlog })
    this.close(closeCodes.tryAgainLater, 'the peer does not read')
    // The closing handshake cannot get through to a peer that does not read.
    this.terminate()
  }
}

/** A close frame has room for 123 bytes of reason (RFC 6455 section 5.5). */
function clipReason(reason: string): string {
  let clipped = reason.slice(0, 123)
  while (Buffer.byteLength(clipped) > 123) clipped = clipped.slice(0, -1)
  return clipped
}
