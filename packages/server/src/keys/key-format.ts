import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { KeyKind } from '../store/store.ts'

/** Makes a key of 256 random bits: `atp_<kind>_`, 43 characters of secret, 6 characters of checksum (rule K1). */
export function generateKey(kind: KeyKind): string {
  const secret = toBase62(BigInt(`0x${randomBytes(secretBytes).toString('hex')}`), secretLength)
  const body = `atp_${kind}_${secret}`
  return body + checksumOf(body)
}

/** What a text that has the form of a key says of itself, or undefined when its form or checksum is wrong. */
export function parseKey(text: string): { kind: KeyKind } | undefined {
  const kind = keyPattern.exec(text)?.[1]
  if (kind === undefined) return undefined
  const body = text.slice(0, -checksumLength)
  // Not a secret comparison: the checksum follows from the rest of the text.
  return checksumOf(body) === text.slice(-checksumLength) ? { kind: kind as KeyKind } : undefined
}

/** The only form in which a key is kept: its SHA-256 in hex (rule K2). A slow hash adds nothing to 256 random bits. */
export function hashKey(text: string): string {
  return hash('sha256', text, 'hex')
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const secretBytes = 32
const secretLength = 43
const checksumLength = 6
const keyPattern = /^atp_(toolkit|llm|admin)_[0-9A-Za-z]{49}$/

function checksumOf(body: string): string {
  return toBase62(BigInt(crc32(body)), checksumLength)
}

/** Fixed width, so that every key of a kind has the same length and only one spelling. */
function toBase62(value: bigint, width: number): string {
  let rest = value
  let text = ''
  while (text.length < width) {
    text = digits[Number(rest % 62n)] + text
    rest /= 62n
  }
  return text
}
