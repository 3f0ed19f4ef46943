import { describe, expect, test } from 'vitest'
import { lower, lowerProperty } from './lower.ts'

describe.each(['openai', 'anthropic', 'mistralai'])('a schema for %s', (provider) => {
  test.each([
    {
      type: 'string',
      minLength: 1,
      maxLength: 5,
      pattern: '^a',
      format: 'uri',
      default: 'a',
      examples: ['a'],
      title: 'T',
      description: 'D',
    },
    { type: 'number', minimum: 0, exclusiveMaximum: 1, multipleOf: 0.1 },
    { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 3, uniqueItems: true },
    {
      type: 'object',
      properties: { a: { type: 'boolean' } },
      required: ['a'],
      additionalProperties: false,
      minProperties: 1,
    },
    { type: 'object', properties: {}, additionalProperties: { type: 'integer' } },
    { type: ['string', 'null'], deprecated: true },
    { type: 'string', enum: ['a', 'b'] },
    { anyOf: [{ type: 'string' }, { type: 'number' }] },
    { oneOf: [{ type: 'string' }, { type: 'number' }] },
    {},
  ])('keeps %j as it is', (schema) => {
    expect(lowerProperty(schema, provider)).toEqual(schema)
  })

  test.each([
    ['a constant', { const: 'a' }, { type: 'string', enum: ['a'] }],
    ['values without type', { enum: ['a', 1, null] }, { type: ['string', 'integer', 'null'], enum: ['a', 1, null] }],
    ['values its type refuses', { type: 'string', enum: ['a', 1] }, { type: 'string', enum: ['a'] }],
    ['true', true, {}],
    ['no type but properties', { properties: { a: true } }, { type: 'object', properties: { a: {} } }],
    ['a list of anything', { type: 'array' }, { type: 'array', items: {} }],
    ['an object of anything', { type: 'object' }, { type: 'object', properties: {} }],
    [
      'the limits of draft 4',
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      { type: 'integer', exclusiveMinimum: 1 },
    ],
    ['types of other dialects', { type: 'float' }, { type: 'number' }],
    [
      'an even tuple',
      { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }], items: false, minItems: 2 },
      { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    ],
    [
      'a tuple of draft 7',
      { type: 'array', items: [{ type: 'number' }, { type: 'number' }], additionalItems: false },
      { type: 'array', items: { type: 'number' }, maxItems: 2 },
    ],
    [
      'an intersection',
      {
        allOf: [
          { type: 'string', minLength: 2 },
          { maxLength: 5, minLength: 1 },
        ],
      },
      { type: 'string', minLength: 2, maxLength: 5 },
    ],
    [
      'names that are listed',
      { type: 'object', propertyNames: { enum: ['a'] }, additionalProperties: { type: 'number' } },
      { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false },
    ],
    [
      'unevaluated members',
      { allOf: [{ properties: { a: {} } }], type: 'object', unevaluatedProperties: false },
      { type: 'object', properties: { a: {} }, additionalProperties: false },
    ],
    ['a branch that nothing fits', { anyOf: [{ type: 'string' }, false] }, { type: 'string' }],
    [
      'a type of two kinds',
      { type: ['array', 'string'], items: { type: 'number' } },
      { anyOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }] },
    ],
  ])('writes %s in the common form', (_, schema, lowered) => {
    expect(lowerProperty(schema, provider)).toEqual(lowered)
  })

  test.each([
    ['not', { type: 'string', not: { const: 'x' } }, '{"not":{"const":"x"}}'],
    [
      'patternProperties',
      { type: 'object', patternProperties: { '^x': { type: 'string' } }, additionalProperties: false },
      '{"additionalProperties":false,"patternProperties":{"^x":{"type":"string"}}}',
    ],
    [
      'if',
      JSON.parse('{"type":"object","if":{"required":["a"]},"then":{"required":["b"]}}'),
      '{"if":{"required":["a"]},"then":{"required":["b"]}}',
    ],
    ['dependencies', { type: 'object', dependencies: { a: ['b'] } }, '{"dependentRequired":{"a":["b"]}}'],
    [
      'prefixItems',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
      '{"prefixItems":[{"type":"string"},{"type":"number"}]}',
    ],
    ['contains', { type: 'array', items: {}, contains: { const: 1 } }, '{"contains":{"const":1}}'],
    [
      'required sets',
      { type: 'object', properties: { a: {}, b: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      '{"allOf":[{"anyOf":[{"required":["a"]},{"required":["b"]}]}]}',
    ],
  ])('says %s in the description, and loses nothing', (_, schema, constraints) => {
    const {
      schema: lowered,
      changes,
      warnings,
    } = lower({ type: 'object', properties: { p: { ...schema, description: 'D' } } }, provider)
    expect((lowered.properties as Record<string, { description: string }>).p?.description).toBe(
      `D\nConstraints: ${constraints}`,
    )
    expect(changes.map(({ code }) => code)).toContain('keyword_moved')
    expect(warnings).toEqual([])
  })

  test('follows references and writes what they point at, with what stands beside them', () => {
    const inputSchema = {
      $ref: '#/$defs/root',
      $defs: {
        root: {
          type: 'object',
          properties: {
            a: { $ref: '#/$defs/text', description: 'Mine' },
            b: { $ref: '#anchor' },
            c: { $ref: '#/$defs/a~1b%20c' },
          },
        },
        text: { type: 'string', description: 'Theirs' },
        number: { $anchor: 'anchor', type: 'number' },
        'a/b c': { type: 'null' },
      },
    }
    expect(lower(inputSchema, provider).schema).toEqual({
      type: 'object',
      properties: { a: { type: 'string', description: 'Mine' }, b: { type: 'number' }, c: { type: 'null' } },
    })
  })

  test('ends recursion, says where, and stays within reach of a prompt', () => {
    const comment = {
      type: 'object',
      properties: { text: { type: 'string' }, replies: { type: 'array', items: { $ref: '#' } } },
      required: ['text'],
    }
    const { schema, warnings, changes } = lower(comment, provider)
    const text = JSON.stringify(schema)
    expect(text).toContain('Nested no deeper here: leave it empty.')
    expect(text.split('"replies"').length - 1).toBeGreaterThan(3)
    expect(text.length).toBeLessThan(3_000)
    expect(warnings.map(({ code }) => code)).toEqual(['recursion_cut'])
    expect(changes.find(({ code }) => code === 'recursion_cut')).toMatchObject({ path: '', loses: true })
  })

  test('opens no box that the arguments themselves only look like', () => {
    const texts = { type: 'object', properties: { kind: { const: 'texts' } }, required: ['kind'] }
    const lists = {
      type: 'object',
      additionalProperties: { type: 'array', items: { type: 'string' } },
      minProperties: 1,
    }
    const { fold } = lower({ anyOf: [texts, lists] }, provider)
    expect(fold({ input: ['a', 'b'] })).toEqual({ input: ['a', 'b'] })
    expect(fold({ input: { input: ['a'] } })).toEqual({ input: ['a'] })
    expect(fold({ input: { kind: 'texts' } })).toEqual({ kind: 'texts' })
    // What is in a box and fits nothing is told about as it was meant.
    expect(fold({ input: { kind: 'other' } })).toEqual({ kind: 'other' })
  })

  test('boxes a union at the root and opens the box again', () => {
    const inputSchema = {
      type: 'object',
      oneOf: [
        { properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { input: { type: 'number' } }, required: ['input'] },
      ],
    }
    const { schema, fold, codes } = lower(inputSchema, provider)
    expect(schema).toMatchObject({ type: 'object', required: ['input_2'], additionalProperties: false })
    expect(codes).toContain('root_wrapped')
    expect(fold({ input_2: { a: 'x' } })).toEqual({ a: 'x' })
    expect(fold({ input: 5 })).toEqual({ input: 5 })
  })

  test('leaves out keywords that are none, because one would fail the whole request', () => {
    const { schema, warnings } = lower(
      { type: 'object', properties: { p: { type: 'string', minLength: '3', nullable: true, 'x-order': 1 } } },
      provider,
    )
    expect(schema).toEqual({ type: 'object', properties: { p: { type: 'string' } } })
    expect(warnings).toEqual([
      { tool: 't', provider, code: 'keyword_dropped', message: expect.stringMatching(/"minLength".*"nullable"/) },
    ])
  })

  test('takes five hundred values', () => {
    const values = Array.from({ length: 500 }, (_, at) => `value ${at}`)
    expect(lowerProperty({ type: 'string', enum: values }, provider)).toEqual({ type: 'string', enum: values })
  })

  test('leaves out a property that nobody could send, and does not ask for it', () => {
    const properties = JSON.parse('{"__proto__": {"type": "string"}, "constructor": {"type": "string"}, "no": false}')
    const { schema, warnings } = lower({ type: 'object', properties }, provider)
    expect(Object.keys(schema.properties as object)).toEqual(['constructor'])
    expect(warnings.map(({ code }) => code)).toEqual(['property_dropped'])
  })
})

describe('rules of one provider', () => {
  test('Anthropic gets names of properties it takes, at every level, and they are mapped back', () => {
    const inner = { type: 'object', properties: { 'größe (cm)': { type: 'number' } }, required: ['größe (cm)'] }
    const inputSchema = {
      type: 'object',
      properties: { $top: { type: 'integer' }, [`${'long_'.repeat(20)}`]: { type: 'array', items: inner }, ok: {} },
      required: ['$top'],
    }
    const { schema, fold, codes, warnings } = lower(inputSchema, 'anthropic')
    const [top, long, ok] = Object.keys(schema.properties as object)
    for (const name of [top, long, ok]) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/)
    expect(schema.required).toEqual([top])
    expect(codes).toEqual(['property_renamed'])
    expect(warnings).toEqual([])
    const item = (schema.properties as Record<string, { items?: { required: string[] } }>)[String(long)]?.items
    const args = { [String(top)]: 5, [String(long)]: [{ [String(item?.required[0])]: 1 }], ok: 1 }
    expect(fold(args)).toEqual({ $top: 5, ['long_'.repeat(20)]: [{ 'größe (cm)': 1 }], ok: 1 })
    expect(lower(inputSchema, 'openai').codes).toEqual([])
  })

  test('a renamed property says what it stands for', () => {
    const { schema } = lower(
      { type: 'object', properties: { $top: { type: 'integer', description: 'How many' } } },
      'anthropic',
    )
    expect(Object.values(schema.properties as object)).toEqual([
      { type: 'integer', description: 'How many\nStands for the member "$top".' },
    ])
  })

  test.each(['^(?!x)a', '(?<=a)b', '(a)\\1'])('OpenAI is not sent the pattern %s, which it refuses', (pattern) => {
    expect(lowerProperty({ type: 'string', pattern }, 'openai')).toEqual({
      type: 'string',
      description: `Constraints: ${JSON.stringify({ pattern })}`,
    })
    expect(lowerProperty({ type: 'string', pattern }, 'anthropic')).toEqual({ type: 'string', pattern })
  })

  test.each(['^\\(?=x\\)$', '[(?!]+', '^a\\d{2}$'])(
    'OpenAI is sent the pattern %s, which only looks like one',
    (pattern) => {
      expect(lowerProperty({ type: 'string', pattern }, 'openai')).toEqual({ type: 'string', pattern })
    },
  )
})
