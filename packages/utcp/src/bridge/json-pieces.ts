/** Bytes that are no text, as JSON. */
export interface Base64Bytes {
  readonly base64: string
}

/** Makes JSON of what protocols return: bytes become text where they are UTF-8, else {@link Base64Bytes}. */
export function toJsonResult(result: unknown): unknown {
  return result instanceof Uint8Array ? (textOf(result) ?? base64Of(result)) : result
}

/** As {@link toJsonResult}, for a stream: a character may be split between two pieces. */
export class JsonPieces {
  /** The beginning of a character whose end is still to come. */
  #rest: Uint8Array = new Uint8Array()

  /** What a piece adds; nothing when it only began a character. */
  next(piece: unknown): readonly unknown[] {
    if (!(piece instanceof Uint8Array)) return [...this.end(), piece]
    const bytes = concat(this.#rest, piece)
    this.#rest = new Uint8Array()
    // A character has four bytes at most, so up to three may be waiting.
    for (let waiting = 0; waiting <= Math.min(3, bytes.length); waiting += 1) {
      const tail = bytes.subarray(bytes.length - waiting)
      if (waiting > 0 && !beginsCharacter(tail)) continue
      const text = textOf(bytes.subarray(0, bytes.length - waiting))
      if (text === undefined) continue
      this.#rest = tail
      return text === '' ? [] : [text]
    }
    return [base64Of(bytes)]
  }

  /** What was still waiting. */
  end(): readonly unknown[] {
    const rest = this.#rest
    this.#rest = new Uint8Array()
    return rest.length > 0 ? [base64Of(rest)] : []
  }
}

/** Whether bytes are the beginning of one character of UTF-8 and not all of it. */
function beginsCharacter(bytes: Uint8Array): boolean {
  const [first = 0, ...others] = bytes
  const length =
    first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0
  return bytes.length < length && others.every((byte) => (byte & 0xc0) === 0x80)
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function base64Of(bytes: Uint8Array): Base64Bytes {
  let binary = ''
  // In parts: an engine takes only so many arguments.
  for (let start = 0; start < bytes.length; start += 32_768) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 32_768))
  }
  return { base64: btoa(binary) }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
