import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localTime, messageLine, plainLines, plainText } from '../src/plain-text.ts'

/** Control characters but line breaks and tabs, other line breaks, and marks that turn the direction of writing. */
function isDangerous(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return character !== '\n' && character !== '\t'
  if (code >= 0x7f && code <= 0x9f) return true
  return (
    [0x61c, 0x200e, 0x200f].includes(code) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
  )
}

const someCharacter = fc.oneof(
  fc.integer({ min: 0, max: 0x2100 }).map((code) => String.fromCharCode(code)),
  fc.string({ unit: 'binary', maxLength: 1 }),
)

describe('plainText', () => {
  it('shows control characters instead of obeying them', () => {
    expect(plainText('a\u001b[2Jb\u0007\u007f\u009b\n\t')).toBe('a\\u001b[2Jb\\u0007\\u007f\\u009b\\u000a\\u0009')
  })

  it('shows characters that turn the direction of writing', () => {
    expect(plainText('abc\u202egnp.exe')).toBe('abc\\u202egnp.exe')
  })

  it('leaves other text alone, in any language', () => {
    expect(plainText('Grüße, 你好, 👋🏽, שלום')).toBe('Grüße, 你好, 👋🏽, שלום')
  })

  it('never lets a dangerous character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: someCharacter }), (text) => {
        expect([...plainText(text)].filter(isDangerous)).toEqual([])
        expect(plainText(text)).not.toMatch(/[\n\t]/)
        expect([...plainLines(text)].filter(isDangerous)).toEqual([])
      }),
    )
  })
})

describe('plainLines', () => {
  it('keeps lines and tabs, and line ends of Windows as plain ones', () => {
    expect(plainLines('a\r\nb\n\tc\rd')).toBe('a\nb\n\tc\\u000dd')
  })

  it('leaves the value of a JSON text as it is', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        const text = JSON.stringify(JSON.parse(json), null, 2)
        expect(JSON.parse(plainLines(text))).toEqual(JSON.parse(text))
      }),
    )
  })
})

describe('messageLine', () => {
  it('ends with one line break', () => {
    expect(messageLine('two\nlines')).toBe('two\nlines\n')
  })
})

describe('localTime', () => {
  it('writes the time of the place, to the second', () => {
    const date = new Date(2026, 7, 1, 4, 5, 9, 999)
    expect(localTime(date.getTime())).toBe('2026-08-01 04:05:09')
  })

  it('survives numbers that are no time', () => {
    expect(localTime(1e300)).toBe('unknown')
  })
})
