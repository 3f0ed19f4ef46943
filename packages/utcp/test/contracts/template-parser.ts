import { describe, expect, it } from 'vitest'
import type { Auth, AuthParser, CallTemplate, CallTemplateParser } from '../../src/index.ts'

/** A value that is right, and a member whose value can be wrong. */
export interface ParserSample<T> {
  readonly valid: T
  readonly wrong: { readonly member: string; readonly value: unknown }
}

/** The contract of {@link CallTemplateParser}. */
export function describeCallTemplateParser(parser: CallTemplateParser, sample: ParserSample<CallTemplate>): void {
  describeParser(
    `call template parser of ${parser.callTemplateType}`,
    (value, path) => parser.parse(value, path),
    sample,
  )
}

/** The contract of {@link AuthParser}. */
export function describeAuthParser(parser: AuthParser, sample: ParserSample<Auth>): void {
  describeParser(`auth parser of ${parser.authType}`, (value, path) => parser.parse(value, path), sample)
}

function describeParser<T extends object>(
  name: string,
  parse: (value: T, path: string) => T,
  { valid, wrong }: ParserSample<T>,
): void {
  describe(`the ${name}`, () => {
    it('takes what is right, with members that nobody knows, and leaves it as it is', () => {
      const given = { ...valid, 'x-own': { deep: [1] } }
      const before = structuredClone(given)
      expect(parse(given, 'at')).toMatchObject({ 'x-own': { deep: [1] } })
      expect(given).toEqual(before)
    })

    it('takes what it returned', () => {
      const once = parse(valid, 'at')
      expect(parse(once, 'at')).toEqual(once)
    })

    it('refuses what is wrong, and names where it is', () => {
      const given = { ...valid, [wrong.member]: wrong.value }
      expect(() => parse(given, 'some.where')).toThrow(expect.objectContaining({ name: 'UtcpValidationError' }))
      expect(() => parse(given, 'some.where')).toThrow(new RegExp(`^some\\.where\\.(?:\\w+\\.)*${wrong.member}`))
    })
  })
}
