import { describe, expect, it } from 'vitest'
import { checkAppName, checkToolName, isAppName } from '../../src/protocol/names.ts'

/** `String` of this JSON throws: it has a toString that is no function. */
const hostile = JSON.parse('{"toString": null, "valueOf": null}') as unknown

describe('checkToolName', () => {
  it.each(['a', 'A-z_09', '__proto__', 'constructor', '-', 'x'.repeat(64)])('takes %s', (name) => {
    expect(() => checkToolName(name)).not.toThrow()
  })

  it.each([
    ['', 'Tool name "" is'],
    ['x'.repeat(65), `Tool name "${'x'.repeat(65)}" is`],
    ['a b', 'Tool name "a b" is'],
    ['a\n', 'Tool name "a\\n" is'],
    ['é', 'Tool name "é" is'],
    ['x'.repeat(9_000), `Tool name "${'x'.repeat(80)}" is`],
    [undefined, 'Tool name undefined is'],
    [null, 'Tool name null is'],
    [5, 'Tool name that is a number is'],
    [['a'], 'Tool name that is an object is'],
    [hostile, 'Tool name that is an object is'],
  ])('refuses %j', (name, start) => {
    expect(() => checkToolName(name)).toThrow(
      expect.objectContaining({
        code: 'invalid_name',
        message: `${start} not allowed: use 1 to 64 of the characters a-z, A-Z, 0-9, "_" and "-"`,
      }),
    )
  })
})

describe('checkAppName', () => {
  it.each(['a', 'My CRM (beta)', 'Zürich – 東京', 'a/b', '🙂', 'x'.repeat(128)])('takes %s', (name) => {
    expect(() => checkAppName(name)).not.toThrow()
    expect(isAppName(name)).toBe(true)
  })

  it.each(['', ' ', '\t', 'x'.repeat(129), 'a\r\nb', '\u001b[31m', '\u0085', undefined, null, 7, hostile])(
    'refuses %j without printing control characters',
    (name) => {
      let message = ''
      try {
        checkAppName(name)
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_name' })
        message = (error as Error).message
      }
      expect(message).toMatch(/^Toolkit name .* is not allowed: use 1 to 128 characters, no control characters$/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      expect(message).not.toMatch(/[\u0000-\u001f]/)
    },
  )
})
