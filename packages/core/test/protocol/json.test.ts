import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAtpError } from '../../src/errors/atp-error.ts'
import { answerLimits, checkJsonShape, isJsonObject, parseJson } from '../../src/protocol/json.ts'

describe('parseJson', () => {
  it('reads any JSON value, also with a byte order mark', () => {
    for (const [text, value] of [
      ['null', null],
      [' null\n', null],
      ['0', 0],
      ['"x"', 'x'],
      ['[]', []],
      ['\ufeff{"a":1}', { a: 1 }],
      ['\ufeffnull', null],
    ] as const) {
      expect(parseJson(text)).toEqual(value)
    }
  })

  it.each(['', 'nul', '{', '{"a":}', 'undefined', 'NaN', "{'a':1}", '\ufeff'])('refuses %j as malformed', (text) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: expect.stringMatching(/^Not valid JSON: /) }),
    )
  })

  it('refuses members that would reach a prototype, however they are escaped', () => {
    for (const text of [
      '{"__proto__":{}}',
      '{"a":[{"__proto__":null}]}',
      '{"\\u005f_proto__":1}',
      '{"constructor":{"prototype":{}}}',
    ]) {
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({ code: 'invalid_json', message: expect.stringContaining('is refused') }),
      )
    }
  })

  it('takes these names where they do no harm', () => {
    expect(parseJson('{"a":"__proto__","constructor":"x","prototype":1}')).toEqual({
      a: '__proto__',
      constructor: 'x',
      prototype: 1,
    })
  })

  it('takes 64 levels and refuses 65, in lists and objects', () => {
    expect(() => parseJson('['.repeat(64) + ']'.repeat(64))).not.toThrow()
    for (const text of ['['.repeat(65) + ']'.repeat(65), `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`]) {
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({ code: 'invalid_json', message: 'JSON is nested deeper than 64 levels' }),
      )
    }
    expect(() => parseJson('['.repeat(200_000) + ']'.repeat(200_000))).toThrow(
      expect.objectContaining({ code: 'invalid_json' }),
    )
  })

  it('takes 10,000 members in all and refuses one more, unless other limits are given', () => {
    const list = (length: number): string => JSON.stringify(Array(length).fill(0))
    expect(() => parseJson(list(10_000))).not.toThrow()
    expect(() => parseJson(list(10_001))).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: 'JSON has more than 10000 members' }),
    )
    const rows = JSON.stringify(Array(5_000).fill({ a: 1 }))
    expect(() => parseJson(rows)).not.toThrow()
    expect(() => parseJson(`{"rows":${rows}}`)).toThrow(expect.objectContaining({ code: 'invalid_json' }))
    expect(() => parseJson(list(500_000), answerLimits)).not.toThrow()
  })

  it('throws nothing but AtpError for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => text.slice(1)),
        ),
        (text) => {
          try {
            parseJson(text)
          } catch (error) {
            expect(isAtpError(error)).toBe(true)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('checkJsonShape', () => {
  it('ends with an error on a cycle', () => {
    const value: { self?: unknown } = {}
    value.self = value
    expect(() => checkJsonShape(value)).toThrow(expect.objectContaining({ code: 'invalid_json' }))
  })

  it('passes what is no object', () => {
    for (const value of [undefined, null, 5, 'x'.repeat(100_000)]) expect(() => checkJsonShape(value)).not.toThrow()
  })
})

describe('isJsonObject', () => {
  it('is true for objects only', () => {
    expect(isJsonObject({})).toBe(true)
    for (const value of [null, undefined, [], 'x', 5]) expect(isJsonObject(value)).toBe(false)
  })
})
