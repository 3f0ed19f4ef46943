import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'

function entry(id: string, bytes: Buffer): string {
  return `${id}:${bytes.toString('base64')}`
}

it('reads entries divided by commas, spaces or lines; the first one is the newest', () => {
  const [one, two, three] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const url = `three:${three.toString('base64url')}`
  const keys = parseMasterKeys(` ${entry('one', one)},${entry('two', two)}\n${url}\r\n`)
  expect(keys.newest.id).toBe('one')
  expect([...keys.byId].map(([id, { key }]) => [id, key.export()])).toEqual([
    ['one', one],
    ['two', two],
    ['three', three],
  ])
})

it('generates keys that it reads, with ids that say the day', () => {
  const made = generateMasterKey(Date.UTC(2026, 10, 21))
  expect(made.id).toMatch(/^k20261121-[0-9a-f]{6}$/)
  expect(parseMasterKeys(made.entry).newest).toMatchObject({ id: made.id })
  expect(generateMasterKey().entry).not.toBe(generateMasterKey().entry)
})

it.each([
  ['zeros', Buffer.alloc(32)],
  ['ones', Buffer.alloc(32, 0xff)],
  ['a repeated pattern', Buffer.from('0123456789abcdef'.repeat(4), 'hex')],
  ['a count', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
  ['a count in steps', Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 7) & 0xff))],
  ['a text', Buffer.from('correct horse battery staple 123')],
  ['hexadecimal digits', Buffer.from(randomBytes(16).toString('hex'))],
])('refuses a key of %s as a sample', (_, bytes) => {
  expect(() => parseMasterKeys(entry('k1', bytes))).toThrow(/"k1" is a sample or a text.*generate-key/)
})

it.each([
  ['', /no key in it/],
  [' ,\n', /no key in it/],
  ['k1', /entry 1 of 1 is not of the form/],
  ['k1:', /not of the form/],
  [`:${'A'.repeat(44)}`, /not of the form/],
  [`k 1:${'A'.repeat(44)}`, /entry 1 of 2/],
  ['k1:QUJD', /"k1" is not 32 bytes/],
  [entry('k1', randomBytes(31)), /"k1" is not 32 bytes/],
  [entry('k1', randomBytes(33)), /"k1" is not 32 bytes/],
  [`${entry('k1', randomBytes(32))},${entry('k1', randomBytes(32))}`, /"k1" comes twice/],
])('refuses %j', (text, message) => {
  expect(() => parseMasterKeys(text)).toThrow(message)
  expect(() => parseMasterKeys(text)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
})

it('tells nothing of a key in its errors, and shows none when it is printed', () => {
  const bytes = randomBytes(32)
  const encoded = bytes.toString('base64')
  for (const text of [encoded, `k1=${encoded}`, `k1:${encoded}${encoded}`, `k1:${encoded}, k1:${encoded}`]) {
    try {
      parseMasterKeys(text)
      throw new Error('not refused')
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toContain(encoded.slice(0, 12))
    }
  }
  const keys = parseMasterKeys(`k1:${encoded}`)
  expect(inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify([...keys.byId])).not.toContain(encoded)
})
