import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Base64Bytes, JsonPieces } from '../../src/bridge/json-pieces.ts'

const all = (pieces: readonly unknown[]): unknown[] => {
  const json = new JsonPieces()
  return [...pieces.flatMap((piece) => [...json.next(piece)]), ...json.end()]
}

/** Cuts bytes at the given places. */
const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length))
}

describe('pieces of a stream as JSON', () => {
  it('leaves what is JSON as it is', () => {
    expect(all([{ a: 1 }, 'text', null])).toEqual([{ a: 1 }, 'text', null])
  })

  it('makes one text of UTF-8, wherever it is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '💧', '\uFEFF', '\0') })
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 30 }), (written, places) => {
        const pieces = all(cut(new TextEncoder().encode(written), places))
        expect(pieces.every((piece) => typeof piece === 'string')).toBe(true)
        expect(pieces.join('')).toBe(written)
      }),
    )
  })

  it('loses no byte of what is no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(100), { maxLength: 10 }), (bytes, places) => {
        const back = all(cut(bytes, places)).flatMap((piece) =>
          typeof piece === 'string'
            ? [...new TextEncoder().encode(piece)]
            : [...Buffer.from((piece as Base64Bytes).base64, 'base64')],
        )
        expect(back).toEqual([...bytes])
      }),
    )
  })

  it('does not hold back half a character when something else follows or nothing does', () => {
    const half = new Uint8Array([0xe2, 0x82])
    expect(all([half, { a: 1 }])).toEqual([{ base64: '4oI=' }, { a: 1 }])
    expect(all([half])).toEqual([{ base64: '4oI=' }])
  })

  it('takes a large piece', () => {
    const [piece] = all([new Uint8Array(200_000).fill(0xff)])
    expect(Buffer.from((piece as Base64Bytes).base64, 'base64')).toHaveLength(200_000)
  })
})
