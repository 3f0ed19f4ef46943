import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { isAtpError } from '@atp/core'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { open, seal } from '../../src/vault/envelope.ts'

const key = createSecretKey(randomBytes(32))
const binding = ['secret', 'project', 'connection', 'row', 'access_token']

/** The one error for everything that cannot be read. */
function expectRefused(work: () => unknown): void {
  let refused: unknown
  try {
    work()
  } catch (error) {
    refused = error
  }
  if (!isAtpError(refused)) throw new Error(`not refused: ${String(refused)}`)
  expect(refused.code).toBe('vault_unreadable')
  expect(refused.message).toBe(theMessage)
  expect(refused.cause).toBeUndefined()
}

const theMessage = (() => {
  try {
    return open(key, 'one', binding, '').toString()
  } catch (error) {
    return (error as Error).message
  }
})()

it('opens what it sealed, whatever it is, and never seals the same way twice', () => {
  void fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (plaintext) => {
      const sealed = seal(key, 'one', binding, plaintext)
      expect(new Uint8Array(open(key, 'one', binding, sealed))).toEqual(plaintext)
      expect(seal(key, 'one', binding, plaintext)).not.toBe(sealed)
    }),
  )
})

it('names its version and its key, and holds nothing of the plaintext', () => {
  const sealed = seal(key, 'one', binding, Buffer.from('canary-canary-canary'))
  expect(sealed).toMatch(/^v1\.one\.[A-Za-z0-9_-]+$/)
  const body = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
  expect(body.length).toBe(12 + 20 + 16)
  expect(body.toString('latin1')).not.toContain('canary')
})

// The last digit of some lengths has bits that decoders pass over.
it.each(['a secret of some length', 'a secret, one byte more.', 'a secret, two bytes more.'])(
  'refuses every bit that was flipped in "%s", in the text and in the bytes below it',
  (plaintext) => {
    const sealed = seal(key, 'one', binding, Buffer.from(plaintext))
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const text = flip(Buffer.from(sealed), bit).toString('latin1')
      expectRefused(() => open(key, 'one', binding, text))
    }
    const [version, id, body = ''] = sealed.split('.')
    const bytes = Buffer.from(body, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = flip(Buffer.from(bytes), bit).toString('base64url')
      expectRefused(() => open(key, 'one', binding, `${version}.${id}.${changed}`))
    }
  },
)

it('refuses bits flipped at random, in secrets of any length', () => {
  void fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.nat(), (plaintext, where) => {
      const sealed = Buffer.from(seal(key, 'one', binding, plaintext))
      const changed = flip(sealed, where % (sealed.length * 8)).toString('latin1')
      expectRefused(() => open(key, 'one', binding, changed))
    }),
    { numRuns: 500 },
  )
})

it('refuses a tag that is cut, also where the cipher made one of that length', () => {
  const sealed = seal(key, 'one', binding, Buffer.from('secret'))
  const [, , body = ''] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64url')
  for (let left = 0; left < 16; left += 1) {
    const cut = bytes.subarray(0, bytes.length - 16 + left).toString('base64url')
    expectRefused(() => open(key, 'one', binding, `v1.one.${cut}`))
  }
  // A forger's: everything right but the tag, which is the right one's first four bytes.
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 4 })
  cipher.setAAD(Buffer.from(JSON.stringify(['atp-vault', 'v1', 'one', ...binding])))
  const forged = Buffer.concat([
    iv,
    cipher.update('a secret of more than 16 bytes'),
    cipher.final(),
    cipher.getAuthTag(),
  ])
  expectRefused(() => open(key, 'one', binding, `v1.one.${forged.toString('base64url')}`))
})

it('refuses another key, another key id, another version and any other binding', () => {
  const sealed = seal(key, 'one', binding, Buffer.from('secret'))
  expectRefused(() => open(createSecretKey(randomBytes(32)), 'one', binding, sealed))
  expectRefused(() => open(key, 'two', binding, sealed))
  expectRefused(() => open(key, 'two', binding, sealed.replace('.one.', '.two.')))
  expectRefused(() => open(key, 'one', binding, sealed.replace('v1', 'v2')))
  for (let place = 0; place < binding.length; place += 1) {
    expectRefused(() => open(key, 'one', binding.with(place, 'other'), sealed))
  }
  // The same letters, divided in another way.
  expectRefused(() => open(key, 'one', ['secretproject', ...binding.slice(2)], sealed))
})

it('refuses texts that are no ciphertext', () => {
  for (const text of ['', '.', '..', 'v1.one.', 'v1.one.AAAA', 'v1.one.%%%', 'v1.one.AAAA.BBBB', 'x'.repeat(10_000)]) {
    expectRefused(() => open(key, 'one', binding, text))
  }
})

function flip(bytes: Buffer, bit: number): Buffer {
  const index = Math.floor(bit / 8)
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit % 8))
  return bytes
}
