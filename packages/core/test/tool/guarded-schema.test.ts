import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileSchema } from '../../src/tool/json-schema.ts'
import type { CompilePattern } from '../../src/tool/schema-run.ts'
import type { Validation } from '../../src/tool/tool.ts'

/** Harmless patterns only: what is compared is what schemas mean. */
const platform: CompilePattern = (pattern) => {
  const expression = new RegExp(pattern, 'u')
  return { test: (text) => expression.test(text), size: 1 }
}

function validate(schema: unknown, value: unknown, compilePattern?: CompilePattern): Validation {
  const options = compilePattern === undefined ? {} : { compilePattern }
  return compileSchema(schema, 'input', 'Schema', options).validate(value) as Validation
}

const patterns = fc.constantFrom('^a', 'b$', '^(a|b)+$', '^.$', 'c', '')
const names = fc.constantFrom('a', 'b', 'ab', 'c', 'ba', 'x/y', 'é', '')
const texts = fc.constantFrom('', 'a', 'b', 'ab', 'abc', 'cab', '2026-11-21', 'a@b.example')
const scalars = fc.oneof(texts, fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, 1.5, true, false, null))
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
  ),
})).value
const types = fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null')
const small = fc.integer({ min: 0, max: 3 })

const { schema: schemas } = fc.letrec<{ schema: unknown; subschema: unknown }>((tie) => {
  const list = fc.array(tie('subschema'), { minLength: 1, maxLength: 3 })
  const named = fc.dictionary(names, tie('subschema'), { maxKeys: 3 })
  const nameList = fc.uniqueArray(names, { maxLength: 2 })
  const keywords: Record<string, fc.Arbitrary<unknown>> = {
    ...{ type: fc.oneof(types, fc.uniqueArray(types, { minLength: 1, maxLength: 3 })) },
    ...{ enum: fc.array(values, { minLength: 1, maxLength: 3 }), const: values },
    ...{ pattern: patterns, minLength: small, maxLength: small, format: fc.constantFrom('date', 'email', 'other') },
    ...{ minimum: small, maximum: small, exclusiveMinimum: small, exclusiveMaximum: small },
    ...{ multipleOf: fc.constantFrom(1, 2, 0.5) },
    ...{ not: tie('subschema'), anyOf: list, allOf: list, oneOf: list },
    // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
    ...{ if: tie('subschema'), then: tie('subschema'), else: tie('subschema') },
    ...{ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two', '#anchor') },
    ...{ properties: named, patternProperties: fc.dictionary(patterns, tie('subschema'), { maxKeys: 2 }) },
    ...{ additionalProperties: tie('subschema'), unevaluatedProperties: tie('subschema') },
    ...{ propertyNames: tie('subschema'), minProperties: small, maxProperties: small, required: nameList },
    ...{ dependentRequired: fc.dictionary(names, nameList, { maxKeys: 2 }), dependentSchemas: named },
    ...{ dependencies: fc.dictionary(names, fc.oneof(nameList, tie('subschema')), { maxKeys: 2 }) },
    ...{ prefixItems: list, items: fc.oneof(tie('subschema'), list), additionalItems: tie('subschema') },
    ...{ contains: tie('subschema'), minContains: small, maxContains: small, unevaluatedItems: tie('subschema') },
    ...{ minItems: small, maxItems: small, uniqueItems: fc.boolean() },
  }
  const one = fc
    .uniqueArray(fc.constantFrom(...Object.keys(keywords)), { minLength: 1, maxLength: 4 })
    .chain((chosen) =>
      fc.record(Object.fromEntries(chosen.map((name) => [name, keywords[name] as fc.Arbitrary<unknown>]))),
    )
  return {
    schema: one,
    subschema: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      { arbitrary: fc.boolean(), weight: 1 },
      { arbitrary: one, weight: 4 },
    ),
  }
})

/** Definitions hold no references of their own: a circle has no meaning to compare. */
const definitions = {
  one: { patternProperties: { '^a': { type: 'string', pattern: 'b' } }, properties: { b: { minLength: 1 } } },
  two: {
    anyOf: [{ pattern: '^a' }, { contains: { type: 'string' } }, { patternProperties: { '.': { type: 'number' } } }],
  },
  three: { $anchor: 'anchor', type: ['string', 'object'], properties: { c: { $ref: '#/$defs/two' } } },
}

describe('a schema whose patterns run on another engine', () => {
  it.each([
    ['2020-12', {}],
    ['draft 7', { $schema: 'http://json-schema.org/draft-07/schema#' }],
  ])('means what it means without, to the word (%s)', (_, dialect) => {
    let refused = 0
    let checks = 0
    fc.assert(
      fc.property(schemas, fc.array(values, { minLength: 4, maxLength: 8 }), (schema, each) => {
        const whole = { ...dialect, ...(schema as object), $defs: definitions }
        for (const value of each) {
          const plain = validate(whole, value)
          expect(validate(whole, value, platform)).toEqual(
            plain.ok ? plain : { ...plain, issues: plain.issues.slice(0, 100) },
          )
          checks += 1
          if (!plain.ok) refused += 1
        }
      }),
      { numRuns: 400 },
    )
    // Neither half of the answers is left out.
    expect(refused / checks).toBeGreaterThan(0.2)
    expect(refused / checks).toBeLessThan(0.9)
  })

  it('asks that engine only, for texts as for names', () => {
    const asked: string[] = []
    const compilePattern: CompilePattern = (pattern) => ({
      test: (text) => asked.push(`${pattern} ${text}`) > 0 && text === 'yes',
      size: 1,
    })
    const schema = { properties: { a: { pattern: 'P' } }, patternProperties: { N: { type: 'number' } } }
    expect(validate(schema, { a: 'yes', no: 'x' }, compilePattern)).toMatchObject({ ok: true })
    expect(validate(schema, { a: 'no', yes: 'x' }, compilePattern)).toMatchObject({
      issues: [{ path: 'a', message: 'String does not match pattern.' }, {}, { path: 'yes' }],
    })
    expect(asked).toEqual(['P yes', 'N a', 'N no', 'P no', 'N a', 'N yes'])
  })

  it('is refused for a pattern that the engine does not know, with its place and its reason', () => {
    const reason = new Error('no lookaheads')
    const compilePattern: CompilePattern = (pattern) => {
      if (pattern.includes('(?=')) throw reason
      return platform(pattern)
    }
    const compile = (schema: unknown) => () => compileSchema(schema, 'input', 'Schema', { compilePattern })
    expect(compile({ properties: { city: { items: { pattern: '(?=a)b' } } } })).toThrow(
      expect.objectContaining({
        code: 'invalid_schema',
        message: 'Schema cannot be used: the pattern "(?=a)b" at "#/properties/city/items": no lookaheads',
        details: { pointer: '#/properties/city/items' },
        cause: reason,
      }),
    )
    expect(compile({ patternProperties: { '(?=a)': true } })).toThrow('the pattern "(?=a)" at "#": no lookaheads')
    expect(compile({ properties: { city: { const: { pattern: '(?=a)' } } } })).not.toThrow()
  })

  it('that makes too much of a value is given up', () => {
    const doubled = Object.fromEntries(
      Array.from({ length: 64 }, (_, n) => [
        `n${n}`,
        { allOf: [{ $ref: `#/$defs/n${n + 1}` }, { $ref: `#/$defs/n${n + 1}` }] },
      ]),
    )
    const given = {
      ok: false,
      issues: [{ path: '', message: 'Checking the value against the schema takes too long.' }],
    }
    expect(validate({ $ref: '#/$defs/n0', $defs: { ...doubled, n64: {} } }, {}, platform)).toEqual(given)
    expect(validate({ $ref: '#' }, {}, platform)).toEqual(given)
    expect(
      validate(
        { items: { enum: Array.from({ length: 3_000 }, (_, n) => `choice ${n}`) } },
        Array(10_000).fill('x'),
        platform,
      ),
    ).toEqual(given)
    const costly: CompilePattern = () => ({ test: () => true, size: 10_000 })
    expect(validate({ pattern: 'a' }, 'a'.repeat(10_000), costly)).toEqual(given)
    expect(validate({ pattern: 'a' }, 'a'.repeat(100), costly)).toMatchObject({ ok: true })
    const distinct = Array.from({ length: 50_000 }, (_, n) => `item ${n}`)
    expect(validate({ items: { type: 'string', pattern: 'm' }, uniqueItems: true }, distinct, platform)).toMatchObject({
      ok: true,
    })
  })

  it('says nothing where its keywords are none', () => {
    const schema = {
      ...{ dependencies: null, dependentRequired: { a: 5 }, patternProperties: null, prefixItems: 5, pattern: 5 },
      ...{ additionalProperties: null, if: null, contains: 'x', minLength: 'x', format: 5, propertyNames: 7 },
    }
    expect(validate(schema, { a: '5', b: [1], c: 'x' }, platform)).toMatchObject({ ok: true })
  })

  it('refuses what JSON does not have', () => {
    expect(validate({ properties: { a: {} } }, { a: undefined }, platform)).toEqual({
      ok: false,
      issues: [{ path: '', message: 'Instances of "undefined" type are not supported.' }],
    })
  })

  it('names members of any name', () => {
    const schema = { additionalProperties: false }
    const issues = [{}, { path: '"\\ud800"' }, {}, { path: 'a~1b' }]
    expect(validate(schema, { '\ud800': 1, 'a/b': 1 }, platform)).toMatchObject({ ok: false, issues })
  })
})

it('has no pattern of a library that backtracks for URLs', () => {
  // Doubles with each character; the work of years is a test that hangs.
  const text = `http://${'a'.repeat(100)}!`
  for (const compilePattern of [undefined, platform]) {
    expect(validate({ format: 'url' }, text, compilePattern)).toMatchObject({ ok: true })
    expect(validate({ format: 'url' }, 'no url', compilePattern)).toMatchObject({ ok: false })
  }
})
