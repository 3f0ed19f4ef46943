import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linearPatterns, RefusedPattern } from '../../src/execution/linear-patterns.ts'

/** Pieces of patterns that both engines know, and do not backtrack for long over short texts. */
const atoms = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '\\d',
    '\\w',
    '\\s',
    '\\S',
    '\\D',
    '\\W',
    '\\b',
    '^',
    '$',
    '[ab]',
    '[^a]',
    '[\\s.]',
    '[\\S]',
    '[^\\S]',
  ],
  ...[
    '[\\w-]',
    '[a\\-z]',
    '[[:alpha:\\]]',
    '[.]',
    '[]',
    '[^]',
    '[\\b]',
    '\\.',
    '\\/',
    '\\0',
    '\\x41',
    '\\u0041',
    '\\u{1f600}',
  ],
  ...[
    '\\ud83d\\ude00',
    '\\cJ',
    '\\p{L}',
    '\\P{Lu}',
    '\\p{Script=Greek}',
    '\\p{sc=Greek}',
    '\\t',
    '[\\u00e0-\\u00ff]',
    '😀',
    '[😀]',
  ],
)
const quantifiers = fc.constantFrom('', '', '', '*', '+', '?', '{0,2}', '*?')
const parts = fc
  .tuple(atoms, quantifiers)
  .map(([atom, quantifier]) => (/^(\^|\$|\\b)$/.test(atom) ? atom : atom + quantifier))
const sequences = fc.array(parts, { minLength: 1, maxLength: 4 }).map((all) => all.join(''))
const patterns = fc.oneof(
  sequences,
  fc.tuple(sequences, sequences).map(([one, other]) => `(?:${one}|${other})+`),
  fc.tuple(sequences, sequences).map(([one, other]) => `^(?<n>${one})?${other}$`),
)
const characters = fc.constantFrom(
  ...['a', 'b', 'A', 'z', '0', '_', '-', '.', '/', '[', ':', ']', ' ', '\t', '\n', '\r', '\v', '\b', '\0', '\u00a0'],
  ...['\u2028', '\u3000', '\ufeff', '\u180e', 'é', 'Ω', '😀', '\u{10ffff}'],
)
const texts = fc.array(characters, { maxLength: 6 }).map((all) => all.join(''))

describe('linearPatterns', () => {
  it('means by a pattern what JavaScript means', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, fc.array(texts, { minLength: 5, maxLength: 10 }), async (pattern, each) => {
        const compile = await linearPatterns()
        const linear = compile(pattern)
        const platform = new RegExp(pattern, 'u')
        for (const text of each) {
          expect([pattern, text, linear.test(text)]).toEqual([pattern, text, platform.test(text)])
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes patterns of other dialects that RE2 knows', async () => {
    const compile = await linearPatterns()
    expect(compile('(?P<year>[0-9]{4})\\z').test('2026')).toBe(true)
    expect(compile('(?i)^rome$').test('ROME')).toBe(true)
    expect(compile('(?i:rome)').test('ROME')).toBe(true)
  })

  it.each([
    ['(?=a)', '(?='],
    ['(?<!a)b', '(?<!'],
    ['(a)\\1', 'back reference'],
    ['(?<n>a)\\k<n>', 'back reference'],
    ['a{1001}', '{1001}'],
    ['(?s:.)', '(?s:'],
    ['(', 'missing'],
    ['a'.repeat(5_000), 'longer than 4096 characters'],
    ['(?:a?){1000}'.repeat(20), 'too large'],
    [`(?:(?:a[^b]){30}){33}`.repeat(20), 'too large'],
    [`(?:${'a'.repeat(3_000)}){1000}`, 'too large'],
  ])('refuses what needs another engine: %.20s', async (pattern, reason) => {
    const compile = await linearPatterns()
    const refusal = expect.objectContaining({ message: expect.stringContaining(reason) })
    expect(() => compile(pattern)).toThrow(refusal)
    expect(() => compile(pattern)).toThrow(RefusedPattern)
  })

  it('is done with texts that keep a backtracking engine for years', async () => {
    const compile = await linearPatterns()
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*)*x$', '^(\\w+\\s?)*$']) {
      const { test, size } = compile(pattern)
      expect(test(`${'a'.repeat(10_000)}!`)).toBe(false)
      expect(size).toBeLessThan(30)
    }
  })
})
