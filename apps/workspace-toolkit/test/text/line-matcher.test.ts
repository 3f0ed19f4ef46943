import { describe, expect, test } from 'vitest'
import { compileLinePattern } from '../../src/text/line-matcher.ts'

const plain = { regex: false, ignoreCase: false }
const regex = { regex: true, ignoreCase: false }

describe('compileLinePattern', () => {
  test('finds plain text with all its special characters', () => {
    const matcher = compileLinePattern({ pattern: 'a.b(c)*', ...plain })
    expect([matcher.test('x a.b(c)* y'), matcher.test('aXb(c)*')]).toEqual([true, false])
    expect(matcher.indexIn('x a.b(c)* y')).toBe(2)
  })

  test('finds plain text in any case', () => {
    const matcher = compileLinePattern({ pattern: 'Über.', regex: false, ignoreCase: true })
    expect([matcher.test('xÜBER.'), matcher.test('über!')]).toEqual([true, false])
    expect(matcher.indexIn('xÜBER.')).toBe(1)
  })

  test('finds regular expressions, a line being the whole text', () => {
    const matcher = compileLinePattern({ pattern: '^(export|import)\\s+type\\b.*$', ...regex })
    expect([matcher.test('export type A'), matcher.test(' export type A'), matcher.test('EXPORT type A')]).toEqual([
      true,
      false,
      false,
    ])
    expect(compileLinePattern({ pattern: 'b+$', regex: true, ignoreCase: true }).indexIn('abBb')).toBe(1)
    expect(matcher.indexIn('none')).toBe(-1)
  })

  test.each(['^(a+)+$', '(a|aa)+$', '(.*a){20}$', '(a?){100}a{100}$'])('is done soon with %s', (pattern) => {
    expect(compileLinePattern({ pattern, ...regex }).test(`${'a'.repeat(10_000)}!`)).toBe(false)
  })

  test.each([
    ['(', 'missing closing )'],
    ['[z-a]', 'invalid character class range'],
    ['a**', 'invalid nested repetition operator'],
    ['(?=x)', 'no look-around'],
    ['(a)\\1', 'no backreferences'],
    ['((a{100}){100}){100}', 'invalid repeat count'],
  ])('says what is wrong with %s', (pattern, reason) => {
    expect(() => compileLinePattern({ pattern, ...regex })).toThrow(reason)
  })

  test('refuses an expression that compiles to too much', () => {
    expect(() => compileLinePattern({ pattern: '((a{1,30}){1,30})', ...regex })).toThrow('too complex')
  })

  test('refuses plain text of two lines', () => {
    expect(() => compileLinePattern({ pattern: 'a\nb', ...plain })).toThrow('lines are searched one by one')
  })
})
