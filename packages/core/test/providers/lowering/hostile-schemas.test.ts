import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonSchema } from '../../../src/protocol/schema-limits.ts'
import { providerFormat } from '../../../src/providers/provider-by-name.ts'
import { providerRules } from '../../../src/providers/provider-rules.ts'
import { describedTool } from '../fixtures.ts'
import { lower } from './lower.ts'

const providers = ['openai', 'openai-strict', 'anthropic', 'mistralai'] as const

/** Each definition refers to the next one ten times: a kilobyte that unfolds to 10^12 parts. */
function laughs(keyword: 'properties' | 'anyOf' | 'allOf' | 'prefixItems'): JsonSchema {
  const ten = (ref: string): unknown => {
    const references = Array.from({ length: 10 }, () => ({ $ref: ref }))
    return keyword === 'properties' ? Object.fromEntries(references.map((each, at) => [`p${at}`, each])) : references
  }
  const definitions = Array.from({ length: 12 }, (_, at) => [`d${at}`, { [keyword]: ten(`#/$defs/d${at + 1}`) }])
  return {
    type: 'object',
    properties: { a: { $ref: '#/$defs/d0' } },
    $defs: Object.fromEntries([...definitions, ['d12', { type: 'string' }]]),
  }
}

describe.each(providers)('%s', (provider) => {
  test.each(['properties', 'anyOf', 'allOf', 'prefixItems'] as const)(
    'refuses a schema that unfolds without end by %s, after counted work',
    (keyword) => {
      const { refusal, changes } = lower(laughs(keyword), provider)
      if (keyword === 'properties') expect(refusal?.code).toBe('schema_too_large')
      // The same branch ten times is one branch, but only for whoever has unfolded all ten.
      else expect(refusal?.code ?? 'taken').toMatch(/^(schema_too_large|taken)$/)
      expect(changes.length).toBeLessThanOrEqual(200)
    },
  )

  test('refuses an enum that references repeat beyond the limit', () => {
    const properties = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`p${at}`, { $ref: '#/$defs/e' }]))
    const values = Array.from({ length: 500 }, (_, at) => `some longer value ${at}`)
    const { refusal } = lower({ type: 'object', properties, $defs: { e: { enum: values } } }, provider)
    expect(refusal).toEqual({ code: 'schema_too_large', message: expect.stringContaining('131072 bytes') })
  })

  test('refuses what is nested too deep for any reader', () => {
    let schema: JsonSchema = { type: 'string' }
    for (let level = 0; level < 60; level += 1) schema = { type: 'array', items: schema }
    expect(lower({ type: 'object', properties: { a: schema } }, provider).refusal?.code).toBe('schema_too_deep')
    let data: unknown = 1
    for (let level = 0; level < 20_000; level += 1) data = [data]
    // Strict mode has no defaults: this one is too long for a description, and left out.
    const { refusal } = lower({ type: 'object', properties: { a: { default: data } } }, provider)
    expect(refusal?.code).toBe(provider === 'openai-strict' ? undefined : 'schema_too_deep')
  })

  test('follows a long chain of references, or refuses it', () => {
    const chain = (length: number): JsonSchema => ({
      type: 'object',
      properties: { a: { $ref: '#/$defs/c0' } },
      $defs: {
        ...Object.fromEntries(Array.from({ length }, (_, at) => [`c${at}`, { $ref: `#/$defs/c${at + 1}` }])),
        [`c${length}`]: { type: 'string' },
      },
    })
    expect(lower(chain(20), provider).refusal).toBeUndefined()
    expect(lower(chain(1_000), provider).refusal?.code).toBe('schema_too_deep')
  })

  test('unrolls forms that all hold each other, as far as there is room', () => {
    const kinds = Array.from({ length: 12 }, (_, at) => `kind${at}`)
    const node = { anyOf: kinds.map((kind) => ({ $ref: `#/$defs/${kind}` })) }
    const definitions = kinds.map((kind) => [
      kind,
      {
        type: 'object',
        properties: { type: { const: kind }, content: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['type'],
      },
    ])
    const { refusal, schema, warnings } = lower(
      {
        type: 'object',
        properties: { doc: { $ref: '#/$defs/node' } },
        $defs: { node, ...Object.fromEntries(definitions) },
      },
      provider,
    )
    expect(refusal).toBeUndefined()
    for (const kind of kinds) expect(JSON.stringify(schema)).toContain(`"${kind}"`)
    expect(warnings.map(({ code }) => code)).toEqual(['recursion_cut'])
  })

  test('takes any JSON for a schema: never throws, never loops, never exceeds the limits, and says the same twice', () => {
    const rules = providerRules[provider]
    fc.assert(
      fc.property(schemas, (inputSchema) => {
        const { schema, refusal, changes } = lower(inputSchema, provider)
        for (const { what, why } of changes) expect([what, why]).not.toContain('')
        expect(lower(inputSchema, provider).schema).toEqual(schema)
        if (refusal !== undefined) {
          expect(refusal).toEqual({ code: expect.stringMatching(/^[a-z_]+$/), message: expect.stringMatching(/./) })
          return
        }
        expect(schema.type).toBe('object')
        expect(JSON.stringify(schema).length).toBeLessThanOrEqual(rules.maxSchemaBytes)
        expect(JSON.stringify(schema)).not.toMatch(/"\$(ref|defs)":/)
        const again = lower(schema, provider)
        expect(again.refusal).toBeUndefined()
        expect(again.schema).toEqual(schema)
      }),
      { numRuns: 600 },
    )
  })

  test('folds any arguments without throwing, and leaves those alone that it was not told of', () => {
    fc.assert(
      fc.property(schemas, fc.dictionary(fc.string(), fc.jsonValue()), (inputSchema, args) => {
        const { fold } = lower(inputSchema, provider)
        try {
          expect(typeof fold(args)).toBe('object')
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_params' })
        }
      }),
      { numRuns: 200 },
    )
  })
})

test('a toolkit full of such schemas costs no more than a fixed number of steps', () => {
  const many = Array.from({ length: 200 }, (_, at) => describedTool(`t${at}`, { inputSchema: laughs('properties') }))
  const { tools, warnings } = providerFormat('openai').toTools([describedTool('first'), ...many, describedTool('last')])
  expect(tools).toMatchObject([{ name: 'first' }])
  expect(warnings).toHaveLength(201)
  expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['schema_too_large']))
  expect(warnings.at(-1)?.message).toBe('Left out: the tools of its toolkit unfold to too many parts together')
})

const name = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'größe', 'x'.repeat(70), 'filter[x]')
const reference = fc.constantFrom(
  '#',
  '#/$defs/a',
  '#/$defs/b',
  '#/properties/a',
  '#/nowhere',
  '#anchor',
  'http://x/y',
  '#/%',
)
const types = fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null', 'any', 'float')

/** Schemas as authors, generators and attackers write them: right and wrong keywords, at any place. */
const schemas: fc.Arbitrary<JsonSchema> = fc.letrec<{ schema: unknown; object: JsonSchema }>((tie) => {
  const inner = tie('schema')
  const map = fc.dictionary(name, inner, { maxKeys: 3 })
  const list = fc.array(inner, { maxLength: 3 })
  const members: Record<string, fc.Arbitrary<unknown>> = {
    type: fc.oneof(types, fc.array(types, { maxLength: 3 }), fc.integer()),
    properties: map,
    patternProperties: fc.dictionary(fc.constantFrom('^a', '[', '(?=x)'), inner, { maxKeys: 2 }),
    required: fc.oneof(fc.array(name, { maxLength: 2 }), fc.boolean()),
    additionalProperties: inner,
    propertyNames: inner,
    unevaluatedProperties: inner,
    items: fc.oneof(inner, list),
    prefixItems: list,
    additionalItems: inner,
    anyOf: list,
    oneOf: list,
    allOf: list,
    not: inner,
    if: inner,
    enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
    const: fc.jsonValue({ maxDepth: 1 }),
    default: fc.jsonValue({ maxDepth: 1 }),
    minLength: fc.integer({ min: -1, max: 5 }),
    minItems: fc.integer({ min: 0, max: 3 }),
    maxItems: fc.integer({ min: 0, max: 3 }),
    minimum: fc.integer(),
    exclusiveMinimum: fc.oneof(fc.boolean(), fc.integer()),
    pattern: fc.constantFrom('^a', '(', '(?!b)'),
    format: fc.constantFrom('date', 'uri', 'int64'),
    description: fc.string(),
    nullable: fc.boolean(),
    $ref: reference,
    $anchor: fc.constant('anchor'),
    dependencies: fc.dictionary(name, fc.oneof(inner, fc.array(name)), { maxKeys: 2 }),
  }
  const object = fc
    .subarray(Object.keys(members), { minLength: 0, maxLength: 5 })
    .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, members[key] ?? fc.constant(0)]))))
  return {
    schema: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'schema' },
      fc.boolean(),
      object,
      object,
      fc.jsonValue({ maxDepth: 1 }),
    ),
    object: fc
      .tuple(object, fc.dictionary(fc.constantFrom('a', 'b'), inner, { maxKeys: 2 }), fc.boolean())
      .map(([own, $defs, typed]): JsonSchema => ({ ...own, $defs, ...(typed ? { type: 'object' } : {}) })),
  }
}).object
