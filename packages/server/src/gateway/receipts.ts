import { encodeFrame } from '@atp/core/protocol'
import type { Call } from '../calls/call.ts'
import type { PeerSocket } from './peer-socket.ts'

/** Ids in one frame at most. */
const maxIds = 256

/** How long a receipt waits for others, in milliseconds. */
const delayMs = 50

/**
 * Tells a toolkit which of its results arrived, many at once: a frame for each would cost as much as the result. The
 * result of a stored call arrived when it is written.
 */
export class Receipts {
  readonly #socket: PeerSocket
  #ids: string[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(socket: PeerSocket) {
    this.#socket = socket
    socket.onClose(() => clearTimeout(this.#timer))
  }

  /** A result was read. @param call the call it ends, before it is told of the result */
  add(callId: string, call: Call | undefined): void {
    if (call?.stored) call.onceWritten(() => this.#add(callId))
    else this.#add(callId)
  }

  #add(callId: string): void {
    if (this.#socket.gone) return
    this.#ids.push(callId)
    if (this.#ids.length >= maxIds) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), delayMs)
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#ids.length === 0) return
    this.#socket.send(encodeFrame({ type: 'received', requestIds: this.#ids }))
    this.#ids = []
  }
}
