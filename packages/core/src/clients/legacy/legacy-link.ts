import { type Decoded, encodeFrame, errorFrame } from '../../protocol/codec.ts'
import type { Frame, WelcomeFrame } from '../../protocol/frames.ts'
import { answerLimits, isJsonObject, type JsonLimits, parseJson } from '../../protocol/json.ts'
import type { ConnectOptions, Transport } from '../../transport/transport.ts'

/** How often a client pings: as often as the founding ones do, in milliseconds. */
const pingMs = 30_000

/** Founding messages have two levels around what they carry. */
const messageLimits: JsonLimits = { ...answerLimits, maxDepth: answerLimits.maxDepth + 3 }

/**
 * A transport whose owner speaks protocol 2 and whose server speaks the founding wire. It is the founding server's
 * stand-in: it answers `hello` and `register`, and turns the frames of either side into those of the other.
 */
export abstract class LegacyLink<In extends Frame> implements Transport {
  readonly seesPings: boolean = true
  readonly #decode: (text: string) => Decoded<In>
  protected readonly options: ConnectOptions
  #socket: Transport | undefined
  readonly #ping: ReturnType<typeof setInterval>
  #ended = false

  constructor(options: ConnectOptions, decode: (text: string) => Decoded<In>) {
    this.options = options
    this.#decode = decode
    // A server that is gone shows by the missing pong; where none is asked for there is nothing to miss.
    this.#ping = setInterval(() => {
      if (this.#socket?.ping) this.#socket.ping()
      else this.options.handlers.onActivity()
    }, pingMs)
  }

  /** Serves a frame of the client. */
  protected abstract onFrame(frame: In): void
  /** Serves a message of the server. */
  protected abstract onMessage(message: Record<string, unknown>): void
  /** The link ends: gives up whatever is under way. May be called twice. */
  protected abstract onEnd(): void

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  protected get hasSocket(): boolean {
    return this.#socket !== undefined
  }

  /** The link's socket; closes it when the link has ended meanwhile. */
  protected attach(socket: Transport): void {
    if (this.#ended) socket.close(1000, '')
    else this.#socket = socket
  }

  /** Reads a message of the server; what is no JSON object means nothing on this wire. */
  protected receive(text: string): void {
    if (this.#ended) return
    let message: unknown
    try {
      message = parseJson(text, messageLimits)
    } catch {
      return
    }
    if (isJsonObject(message)) this.onMessage(message)
  }

  /** Sends a message to the server. */
  protected tell(message: Record<string, unknown>): void {
    this.#socket?.send(JSON.stringify(message))
  }

  /** Gives the client a frame, in a turn of its own as a network does. */
  protected emit(frame: Frame): void {
    const text = encodeFrame(frame)
    queueMicrotask(() => {
      if (!this.#ended) this.options.handlers.onMessage(text)
    })
  }

  /** What a server of protocol 2 greets with, as far as a founding one has it. */
  protected welcome(limits: WelcomeFrame['limits']): void {
    this.emit({ type: 'welcome', protocol: 2, capabilities: [], limits, heartbeatMs: pingMs })
  }

  send(text: string): void {
    if (this.#ended) return
    const decoded = this.#decode(text)
    if (decoded.ok) this.onFrame(decoded.frame)
    // As a server of protocol 2 would answer it.
    else this.emit(errorFrame(decoded.error, decoded.requestId))
  }

  close(code: number, reason: string): void {
    this.#socket?.close(code, reason)
    if (!this.#socket) queueMicrotask(() => this.end(code, reason))
    this.#stop()
  }

  terminate(): void {
    this.#socket?.terminate()
    if (!this.#socket) queueMicrotask(() => this.end(1006, ''))
    this.#stop()
  }

  /** Tells the client that the connection is gone, once. */
  protected end(code: number, reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#stop()
    this.options.handlers.onClose(code, reason)
  }

  #stop(): void {
    clearInterval(this.#ping)
    this.onEnd()
  }
}
