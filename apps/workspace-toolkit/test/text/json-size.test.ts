import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutToJsonBytes, jsonBytes, takeWithinJsonBytes } from '../../src/text/json-size.ts'

test('a cut text fits, is a start of the text and breaks no character', () => {
  const unit = fc.constantFrom('a', '"', '\n', '\u0001', 'é', '😀', '漢')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 300 }), fc.integer({ min: 2, max: 400 }), (text, maxBytes) => {
      const cut = cutToJsonBytes(text, maxBytes)
      expect(text.startsWith(cut)).toBe(true)
      expect(cut.isWellFormed()).toBe(true)
      expect(jsonBytes(cut)).toBeLessThanOrEqual(maxBytes)
      if (jsonBytes(text) <= maxBytes) expect(cut).toBe(text)
    }),
  )
})

test('a long text is cut near the limit', () => {
  expect(cutToJsonBytes('a'.repeat(10_000), 1_000)).toHaveLength(998)
})

test('items are taken as long as they fit', () => {
  expect(takeWithinJsonBytes(['aaa', 'bbb', 'ccc'], 12)).toEqual(['aaa', 'bbb'])
  expect(takeWithinJsonBytes(['aaa', 'bbb'], 12)).toEqual(['aaa', 'bbb'])
  expect(takeWithinJsonBytes(['aaa'], 3)).toEqual([])
})
