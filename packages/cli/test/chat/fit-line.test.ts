import { describe, expect, it } from 'vitest'
import { fitLine } from '../../src/chat/fit-line.ts'

describe('fitLine', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['one two', 5, 'one…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['🙂🙂', 3, '🙂…'],
    ['', 3, ''],
  ])('cuts %j to %i columns as %j', (text, columns, expected) => {
    expect(fitLine(text, columns)).toBe(expected)
  })
})
