import { expect, test } from 'vitest'
import { isBinary, toLines, toText } from '../../src/text/text-lines.ts'

test('a NUL byte makes a file binary', () => {
  expect([isBinary(Buffer.from('text é\u0001')), isBinary(Buffer.from([65, 0, 66]))]).toEqual([false, true])
})

test('bytes that are no UTF-8 become replacement characters', () => {
  expect(toText(Buffer.from([65, 0xff, 66]))).toBe('A\uFFFDB')
})

test('a character cut at the end of a part is left out', () => {
  const bytes = Buffer.from('aé').subarray(0, 2)
  expect([toText(bytes, false), toText(bytes)]).toEqual(['a', 'a\uFFFD'])
})

test('a byte order mark is no part of the text', () => {
  expect(toText(Buffer.from('\uFEFFa'))).toBe('a')
})

test.each([
  ['', []],
  ['\n', ['']],
  ['a', ['a']],
  ['a\nb\n', ['a', 'b']],
  ['a\r\nb\r\n\r\n', ['a', 'b', '']],
  ['a\rb', ['a\rb']],
])('the lines of %j are %j', (text, lines) => {
  expect(toLines(text)).toEqual(lines)
})
