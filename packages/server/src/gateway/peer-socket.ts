import type { Duplex } from 'node:stream'
import type { Logger } from '@atp/core'
import { AtpError } from '@atp/core'
import { closeCodes, encodeFrame, errorFrame } from '@atp/core/protocol'
import type { RawData, WebSocket } from 'ws'
import type { ServerLimits } from '../limits.ts'
import type { SocketWatch } from './socket-watch.ts'

/** What a {@link PeerSocket} is made of. */
export interface PeerSocketOptions {
  socket: WebSocket
  /** The connection under the socket, for writing many frames at once. */
  stream: Duplex
  limits: ServerLimits
  watch: SocketWatch
  logger: Logger
}

/** How long a peer may take to answer our closing handshake. */
const closeTimeoutMs = 2_000

/** A peer's socket with our manners: batched writes, back-pressure, signs of life, and an answer to every bad frame. */
export class PeerSocket {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #limits: ServerLimits
  readonly #logger: Logger
  #corked = false
  #badFrames = 0
  #badFramesSince = 0
  /** Ends a peer that does not answer our closing handshake. */
  #closing: ReturnType<typeof setTimeout> | undefined
  #gone = false
  /** When a sign of life was last seen; monotonic milliseconds. */
  lastSeen: number = performance.now()
  /** Since when the peer does not read; monotonic milliseconds. */
  congestedSince: number | undefined
  /** Gets every text frame; set by whoever owns the socket at the moment. */
  onText: (text: string) => void = () => {}
  /** Called once when the socket is gone. */
  onClose: () => void = () => {}

  constructor({ socket, stream, limits, watch, logger }: PeerSocketOptions) {
    this.#socket = socket
    this.#stream = stream
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
    socket.on('ping', () => {
      alive()
      // ws has answered it; the answers wait in memory when the peer does not read them.
      if (socket.bufferedAmount > limits.bufferedCloseBytes) this.#dropReader()
    })
    socket.on('pong', alive)
    // Oversized frames and broken UTF-8 end in 'close' with 1009 and 1007; without a listener they end the process (T3).
    socket.on('error', (error) => logger.debug('socket.error', { error: error.message }))
    socket.on('close', (code) => {
      clearTimeout(this.#closing)
      this.#gone = true
      watch.remove(this)
      logger.debug('socket.closed', { code })
      this.onClose()
    })
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Whether `onClose` was called, or would have been. */
  get gone(): boolean {
    return this.#gone
  }

  /** Whether so much waits to be written that no new call should go this way (rule T6). */
  get congested(): boolean {
    return this.#socket.bufferedAmount > this.#limits.bufferedBusyBytes
  }

  send(text: string): void {
    if (!this.open) return
    this.#cork()
    this.#socket.send(text)
    if (this.#socket.bufferedAmount > this.#limits.bufferedCloseBytes) this.#dropReader()
  }

  /** Answers a frame that cannot be served; a peer that does nothing else is closed. */
  refuse(error: AtpError, requestId?: string): void {
    const now = performance.now()
    if (now - this.#badFramesSince > 10_000) {
      this.#badFramesSince = now
      this.#badFrames = 0
    }
    this.#badFrames += 1
    this.send(encodeFrame(errorFrame(error, requestId)))
    if (this.#badFrames > this.#limits.badFramesPer10s) {
      this.close(closeCodes.protocolError, 'too many frames that cannot be read')
    }
  }

  ping(): void {
    if (this.open) this.#socket.ping()
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
      this.#logger.error('gateway.defect', { error: error instanceof Error ? error.stack : String(error) })
      this.send(encodeFrame(errorFrame(error)))
    }
  }

  /** All frames of one turn of the event loop leave in one write: a system call costs more than a frame. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#stream.cork()
    setImmediate(() => {
      this.#corked = false
      this.#stream.uncork()
    })
  }

  #dropReader(): void {
    this.#logger.warn('socket.not_reading', { bufferedBytes: this.#socket.bufferedAmount })
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
