import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateKey, hashKey, parseKey } from '../../src/keys/key-format.ts'

const kinds = ['toolkit', 'llm', 'admin'] as const
/** Lone surrogates and control characters too. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes))
const anyKey = fc.constantFrom(...kinds).map(generateKey)

describe.each(kinds)('a key of kind %s', (kind) => {
  it('is atp_<kind>_, 43 characters of secret and 6 of checksum', () => {
    for (let round = 0; round < 1_000; round += 1) {
      expect(generateKey(kind)).toMatch(new RegExp(`^atp_${kind}_[0-9A-Za-z]{49}$`))
    }
  })

  it('is read back as that kind', () => {
    expect(parseKey(generateKey(kind))).toEqual({ kind })
  })
})

it('never gives the same key twice', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => generateKey('llm'))).size).toBe(1_000)
})

it('reads a key written down once, so that the format never changes by accident', () => {
  const secret = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg'
  expect(parseKey(`atp_llm_${secret}351mfP`)).toEqual({ kind: 'llm' })
  expect(parseKey(`atp_llm_${secret}351mfQ`)).toBeUndefined()
})

it('refuses another length, kind or alphabet under a right checksum', () => {
  const secret = 'x'.repeat(43)
  expect(parseKey(withChecksum(`atp_llm_${secret}`))).toEqual({ kind: 'llm' })
  for (const body of [
    `atp_llm_${secret}x`,
    `atp_llm_${secret.slice(1)}`,
    `atp_root_${secret}`,
    `atp_llm_${secret.slice(1)}-`,
  ]) {
    expect(parseKey(withChecksum(body))).toBeUndefined()
  }
})

it('refuses a key of which any one character was changed', () => {
  const character = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
  const digit = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_')
  fc.assert(
    fc.property(anyKey, fc.nat(), fc.oneof(character, digit), (key, place, other) => {
      const at = place % key.length
      fc.pre(key[at] !== other)
      expect(parseKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined()
    }),
    { numRuns: 2_000 },
  )
})

it('refuses a key of which two neighbours changed places', () => {
  fc.assert(
    fc.property(anyKey, fc.nat(), (key, place) => {
      const at = place % (key.length - 1)
      fc.pre(key[at] !== key[at + 1])
      expect(parseKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2))).toBeUndefined()
    }),
  )
})

it('refuses a key with something before, inside or after it', () => {
  fc.assert(
    fc.property(
      anyKey,
      fc.nat(),
      anyText.filter((text) => text !== ''),
      (key, place, text) => {
        const at = place % (key.length + 1)
        expect(parseKey(key.slice(0, at) + text + key.slice(at))).toBeUndefined()
      },
    ),
  )
  expect(parseKey(`${generateKey('llm')}\n`)).toBeUndefined()
})

it('refuses any other text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(parseKey(text)).toBeUndefined()
    }),
  )
})

it('hashes to SHA-256 in hex', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(hashKey(text)).toBe(createHash('sha256').update(text).digest('hex'))
    }),
  )
})

function withChecksum(body: string): string {
  let rest = crc32(body)
  let checksum = ''
  for (let digit = 0; digit < 6; digit += 1) {
    checksum = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.charAt(rest % 62) + checksum
    rest = Math.floor(rest / 62)
  }
  return body + checksum
}
