import { plainLines } from '../plain-text.ts'

/** As `plainLines`, for text that comes in pieces: what only the next piece can decide upon is held back until then. */
export class PlainStream {
  #held = ''

  /** What can be written now. */
  push(piece: string): string {
    const text = this.#held + piece
    // Half a line break, or half a character of two units.
    const undecided = /[\r\ud800-\udbff]$/.test(text) ? 1 : 0
    this.#held = text.slice(text.length - undecided)
    return plainLines(text.slice(0, text.length - undecided))
  }

  /** What is left at the end. */
  end(): string {
    const text = plainLines(this.#held)
    this.#held = ''
    return text
  }
}
