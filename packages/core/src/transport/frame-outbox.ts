/** A request holds this much, a larger frame alone. */
const maxFrames = 64
const maxLength = 1_048_576

/** Frames that wait to be sent, in order, and how many of them travel together. */
export class FrameOutbox {
  readonly #texts: string[] = []
  #length = 0
  /** How many were taken and are not done. */
  #taken = 0
  /** How many of the next ones travel alone. */
  #alone = 0

  /** Characters of all frames that are not done. */
  get length(): number {
    return this.#length
  }

  push(text: string): void {
    this.#texts.push(text)
    this.#length += text.length
  }

  /** The next frames to be sent, the same ones until `done` or `split`; undefined when there are none. */
  take(): string[] | undefined {
    if (this.#texts.length === 0) return undefined
    let length = 0
    const limit = this.#alone > 0 ? 1 : maxFrames
    const next = this.#texts.slice(0, limit)
    const end = next.findIndex((text) => {
      length += text.length
      return length > maxLength
    })
    this.#taken = end === -1 ? next.length : Math.max(1, end)
    return next.slice(0, this.#taken)
  }

  /** What was taken arrived, or will never. */
  done(): void {
    for (const text of this.#texts.splice(0, this.#taken)) this.#length -= text.length
    this.#alone = Math.max(0, this.#alone - this.#taken)
    this.#taken = 0
  }

  /** Lets what was taken travel one by one from now on; returns false when it was one only. */
  split(): boolean {
    if (this.#taken <= 1) return false
    this.#alone = this.#taken
    this.#taken = 0
    return true
  }
}
