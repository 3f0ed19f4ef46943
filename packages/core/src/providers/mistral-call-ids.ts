/** What Mistral takes as the id of a call. */
const idPattern = /^[a-zA-Z0-9]{9}$/
const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** A new id of a call as Mistral takes it. */
export function newMistralCallId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 9)
}

/**
 * Maps ids of calls between a conversation of any provider and Mistral, which takes nothing but 9 of a-z A-Z 0-9 and
 * refuses the whole request otherwise. Use one for a conversation: on the calls in the assistant's messages and on the
 * results alike. An id that Mistral takes stays as it is, another always becomes the same.
 */
export class MistralCallIds {
  readonly #short = new Map<string, string>()
  readonly #original = new Map<string, string>()

  /** The id for Mistral. */
  toMistral(id: string): string {
    const known = this.#short.get(id)
    if (known !== undefined) return known
    let short = idPattern.test(id) ? id : shorten(id, 0)
    for (let attempt = 1; this.#original.has(short); attempt += 1) short = shorten(id, attempt)
    this.#short.set(id, short)
    this.#original.set(short, id)
    return short
  }

  /** The id that `toMistral` was given; one it never made stays as it is. */
  fromMistral(id: string): string {
    return this.#original.get(id) ?? id
  }
}

/** Two FNV-1a hashes of 32 bits, for 9 digits of base 62. Not a secret: it only has to tell one conversation's calls apart. */
function shorten(id: string, attempt: number): string {
  const text = `${attempt} ${id}`
  let [a, b] = [0x811c9dc5, 0x01000193]
  for (let index = 0; index < text.length; index += 1) {
    a = Math.imul(a ^ text.charCodeAt(index), 0x01000193)
    b = Math.imul(b ^ text.charCodeAt(index), 0x85ebca6b)
  }
  let rest = (BigInt(a >>> 0) << 32n) | BigInt(b >>> 0)
  let short = ''
  while (short.length < 9) {
    short += digits.charAt(Number(rest % 62n))
    rest /= 62n
  }
  return short
}
