import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Whoever has to know whether a frame left: it may be sent another way when it did not. */
export interface SentItem {
  /** The frame was handed to the operating system; whether it arrived is unknown. */
  written(): void
  /** The connection ended first: no byte of the frame left. */
  notWritten(): void
}

/** Text, also where it is sent as bytes. */
const asText = { binary: false }

/** What a waiting frame costs beside its bytes: a header, a place in a queue. Measured around 400 bytes. */
const frameOverheadBytes = 512

/**
 * Above so many waiting bytes, and for longer texts, frames wait as bytes: of a text that waits Node counts characters,
 * which may be three bytes each.
 */
const exactAboveBytes = 65_536

/**
 * Writes the frames of one socket, all of a turn of the event loop at once, and knows what waits and what has left.
 * Costs nothing per frame but counting.
 */
export class FrameWriter {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  #corked = false
  /** Batches of frames that are complete; each is one turn of the event loop. */
  #batches = 0
  /** How many of them the operating system was given, and has taken whole. */
  #batchesHandedOver = 0
  #batchesFlushed = 0
  #framesQueued = 0
  #framesHandedOver = 0
  /** Who waits to hear that a queued frame was handed over. */
  #unwritten: SentItem[] = []
  #exact = false

  /** @param stream the connection under the socket */
  constructor(socket: WebSocket, stream: Duplex) {
    this.#socket = socket
    this.#stream = stream
  }

  /** What waits for the peer to read it, in bytes of memory. */
  get backlog(): number {
    return this.#socket.bufferedAmount + (this.#framesQueued + this.#framesHandedOver) * frameOverheadBytes
  }

  /** Writes a text frame; `item` hears whether it left. Obligation: the socket is open. */
  send(text: string, item: SentItem | undefined): void {
    const data = this.#exact || text.length > exactAboveBytes ? Buffer.from(text) : text
    if (item) this.#unwritten.push(item)
    this.#framesQueued += 1
    if (this.#corked) this.#socket.send(data, asText)
    else {
      this.#cork()
      this.#socket.send(data, asText, this.#onFlushed)
    }
    this.#exact = this.backlog > exactAboveBytes
  }

  /** The connection has ended: what is still here never leaves. */
  ended(): void {
    for (const item of this.#unwritten) item.notWritten()
  }

  /** All frames of one turn of the event loop leave in one write: a system call costs more than a frame. */
  #cork(): void {
    this.#corked = true
    this.#stream.cork()
    setImmediate(this.#uncork)
  }

  readonly #uncork = (): void => {
    this.#corked = false
    this.#batches += 1
    this.#stream.uncork()
    // While the system has not taken what it was given, a stream keeps the rest.
    if (this.#batchesFlushed === this.#batchesHandedOver) this.#handedOver()
  }

  /** The first frame of a batch was taken by the system, and so was all that was handed over with it. */
  readonly #onFlushed = (error?: Error | null): void => {
    if (error) return
    this.#batchesFlushed += 1
    if (this.#batchesFlushed < this.#batchesHandedOver) return
    this.#framesHandedOver = 0
    // A stream that was not corked has handed over by itself what waited for this.
    if (!this.#corked) this.#handedOver()
  }

  #handedOver(): void {
    // What a destroyed stream kept, it has thrown away.
    if (this.#stream.destroyed) return
    this.#batchesHandedOver = this.#batches
    this.#framesHandedOver = this.#framesQueued
    this.#framesQueued = 0
    if (this.#unwritten.length === 0) return
    const items = this.#unwritten
    this.#unwritten = []
    for (const item of items) item.written()
  }
}
