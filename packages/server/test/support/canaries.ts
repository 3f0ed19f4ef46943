import { randomBytes } from 'node:crypto'

/** One thing somebody received or something wrote: a response, a frame, a log, a file, a table. */
export interface Trace {
  /** Who or what it is, such as `stranger` or `log`. */
  who: string
  what: string
  bytes: Buffer
}

interface Canary {
  name: string
  mayReach: readonly string[]
  /** What to look for, and how it is written. */
  forms: { form: string; bytes: Buffer; ignoreCase: boolean }[]
}

/** How much of a canary is a leak: a piece of a secret is one too. */
const pieceLength = 14

/** Unique secrets, and a search for each of them, or any piece of it, in every form in which it could be written. */
export class Canaries {
  readonly #canaries: Canary[] = []

  /** A new text of `length` letters and digits. `mayReach` names those who rightfully see it. */
  text(name: string, mayReach: readonly string[] = [], length: number = 28): string {
    const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
    const text = [...randomBytes(length)].map((byte) => alphabet[byte % alphabet.length]).join('')
    this.watch(name, text, mayReach)
    return text
  }

  /** Looks for a text that somebody else made, such as a key. */
  watch(name: string, text: string, mayReach: readonly string[] = []): void {
    const pieces = [0, Math.floor((text.length - pieceLength) / 2), text.length - pieceLength]
    const forms = pieces.flatMap((at) => formsOf(Buffer.from(text.slice(at, at + pieceLength))))
    this.#canaries.push({ name, mayReach, forms })
  }

  /** Looks for bytes, such as an encryption key, whole. */
  watchBytes(name: string, bytes: Buffer, mayReach: readonly string[] = []): void {
    this.#canaries.push({ name, mayReach, forms: formsOf(bytes) })
  }

  /** What reached whom without right: `NAME as FORM in WHO: WHAT`, once each. */
  leaks(traces: readonly Trace[]): string[] {
    const found = new Set<string>()
    for (const { who, what, bytes } of traces) {
      const lower = Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1')
      for (const { name, mayReach, forms } of this.#canaries) {
        if (mayReach.includes(who)) continue
        for (const { form, bytes: sought, ignoreCase } of forms) {
          if ((ignoreCase ? lower : bytes).includes(sought)) found.add(`${name} as ${form} in ${who}: ${what}`)
        }
      }
    }
    return [...found].sort()
  }
}

/** As it is, as hex, as base64 wherever in a longer text it began, percent-encoded, as JSON escapes, as UTF-16. */
function formsOf(bytes: Buffer): Canary['forms'] {
  const hex = bytes.toString('hex')
  const escaped = (prefix: string): string => (hex.match(/../g) ?? []).map((pair) => prefix + pair).join('')
  const text = (form: string, value: string, ignoreCase = true) => ({
    form,
    bytes: Buffer.from(ignoreCase ? value.toLowerCase() : value, 'latin1'),
    ignoreCase,
  })
  return [
    text('text', bytes.toString('latin1'), isPlain(bytes)),
    text('hex', hex),
    text('percent escapes', escaped('%')),
    text('JSON escapes', escaped('\\u00')),
    text(
      'UTF-16',
      bytes.toString('utf16le').length > 0 ? [...bytes].map((byte) => `${String.fromCharCode(byte)}\0`).join('') : '',
      isPlain(bytes),
    ),
    ...[0, 1, 2].flatMap((offset) => {
      const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
      // Only the characters that depend on nothing but these bytes.
      const sure = whole.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
      const url = sure.replaceAll('+', '-').replaceAll('/', '_')
      return [text('base64', sure, false), ...(url === sure ? [] : [text('base64url', url, false)])]
    }),
  ]
}

/** Whether case can be left out of account. */
function isPlain(bytes: Buffer): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}
