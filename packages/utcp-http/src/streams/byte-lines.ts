import { joined } from '../response/read-body.ts'

type Bytes = Uint8Array<ArrayBuffer>

const lineFeed = 10
const carriageReturn = 13

/**
 * Cuts a stream of bytes into lines, which end by CR, LF or both; between the two of a pair there is an empty line, and
 * empty lines are dropped. A last line without an end counts.
 */
export class ByteLines {
  readonly #maxBytes: number
  readonly #tooLong: () => Error
  #parts: Bytes[] = []
  #size = 0

  /** @param tooLong makes the error for a line of more than `maxBytes` */
  constructor(maxBytes: number, tooLong: () => Error) {
    this.#maxBytes = maxBytes
    this.#tooLong = tooLong
  }

  /** The lines that a chunk completes. */
  *feed(chunk: Bytes): Generator<Bytes, void, undefined> {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (byte !== lineFeed && byte !== carriageReturn) continue
      this.#add(chunk.subarray(start, at))
      start = at + 1
      if (this.#size > 0) yield this.#take()
    }
    this.#add(chunk.subarray(start))
  }

  /** What is left at the end of the stream. */
  *end(): Generator<Bytes, void, undefined> {
    if (this.#size > 0) yield this.#take()
  }

  #add(part: Bytes): void {
    if (part.length === 0) return
    this.#size += part.length
    if (this.#size > this.#maxBytes) throw this.#tooLong()
    this.#parts.push(part)
  }

  #take(): Bytes {
    const line = joined(this.#parts, this.#size)
    this.#parts = []
    this.#size = 0
    return line
  }
}
