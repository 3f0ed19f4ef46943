import { describe, expect, test } from 'vitest'
import { lower, lowerProperty } from './lower.ts'

const closed = (properties: Record<string, unknown>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

describe.each(['openai-strict', 'openai-chat-strict'])('a schema for %s', (provider) => {
  test('requires every property, closes every object, and lets null stand for what is optional', () => {
    const inputSchema = {
      type: 'object',
      properties: {
        a: { type: 'string' },
        b: { type: 'integer', minimum: 1 },
        c: { type: 'object', properties: { d: { enum: ['x'] } } },
      },
      required: ['a'],
    }
    const { schema, warnings } = lower(inputSchema, provider)
    expect(schema).toEqual(
      closed({
        a: { type: 'string' },
        b: { type: ['integer', 'null'], minimum: 1, description: 'null: not given.' },
        c: {
          anyOf: [
            closed({ d: { type: ['string', 'null'], enum: ['x', null], description: 'null: not given.' } }),
            { type: 'null' },
          ],
          description: 'null: not given.',
        },
      }),
    )
    expect(warnings).toEqual([])
  })

  test('leaves arguments alone that are in the form of the tool', () => {
    const inputSchema = {
      type: 'object',
      properties: { box: { type: ['object', 'null'], properties: { value: { type: 'string' } } } },
      additionalProperties: { type: 'integer' },
    }
    const { fold } = lower(inputSchema, provider)
    expect(fold({ box: { value: 'x' }, additional_properties: 5 })).toEqual({
      box: { value: 'x' },
      additional_properties: 5,
    })
    expect(fold({ box: { value: { value: 'x' } }, additional_properties: [{ key: 'n', value: 5 }] })).toEqual({
      box: { value: 'x' },
      n: 5,
    })
    expect(fold({ box: { value: null }, additional_properties: null })).toEqual({ box: null })
  })

  test('folds null away, and puts defaults back', () => {
    const inputSchema = {
      type: 'object',
      properties: {
        q: { type: 'string' },
        limit: { type: 'integer', default: 20 },
        tags: { type: 'array', items: { type: 'string' }, default: [] },
        c: { type: 'object', properties: { d: { type: 'number' } } },
      },
      required: ['q'],
    }
    const { fold } = lower(inputSchema, provider)
    expect(fold({ q: 'x', limit: null, tags: null, c: { d: null } })).toEqual({ q: 'x', limit: 20, tags: [], c: {} })
    expect(fold({ q: 'x', limit: 5, tags: ['a'], c: null })).toEqual({ q: 'x', limit: 5, tags: ['a'] })
  })

  test('gives each call a default of its own', () => {
    const { fold } = lower({ type: 'object', properties: { tags: { type: 'array', default: [] } } }, provider)
    const first = fold({ tags: null }) as { tags: unknown[] }
    first.tags.push('mine')
    expect(fold({ tags: null })).toEqual({ tags: [] })
  })

  test('keeps a null that says something apart from one that says nothing', () => {
    const { schema, fold } = lower({ type: 'object', properties: { assignee: { type: ['string', 'null'] } } }, provider)
    expect(schema.properties).toEqual({
      assignee: {
        anyOf: [closed({ value: { type: ['string', 'null'] } }), { type: 'null' }],
        description: 'null: not given.',
      },
    })
    expect(fold({ assignee: null })).toEqual({})
    expect(fold({ assignee: { value: null } })).toEqual({ assignee: null })
    expect(fold({ assignee: { value: 'me' } })).toEqual({ assignee: 'me' })
  })

  test('leaves a required null alone', () => {
    const { schema, fold } = lower(
      { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'] },
      provider,
    )
    expect(schema.properties).toEqual({ a: { type: ['string', 'null'] } })
    expect(fold({ a: null })).toEqual({ a: null })
  })

  test('writes an object of free names as a list, and makes it an object again', () => {
    const inputSchema = {
      type: 'object',
      properties: { env: { type: 'object', additionalProperties: { type: 'string' } } },
      required: ['env'],
    }
    const { schema, fold } = lower(inputSchema, provider)
    expect(schema.properties).toMatchObject({
      env: { type: 'array', items: closed({ key: { type: 'string' }, value: { type: 'string' } }) },
    })
    const args = {
      env: [
        { key: 'A', value: '1' },
        { key: 'constructor', value: '2' },
        { key: 'A', value: '3' },
      ],
    }
    expect(fold(args)).toEqual({ env: { A: '3', constructor: '2' } })
    expect(() => fold({ env: [{ key: '__proto__', value: 'x' }] })).toThrow(
      expect.objectContaining({ code: 'invalid_params' }),
    )
  })

  test('gives names and free names a place each', () => {
    const inputSchema = {
      type: 'object',
      properties: { id: { type: 'string' }, additional_properties: { type: 'null' } },
      required: ['id', 'additional_properties'],
      additionalProperties: { type: 'number' },
    }
    const { schema, fold } = lower(inputSchema, provider)
    expect(schema.required).toEqual(['id', 'additional_properties', 'additional_properties_2'])
    const further = [
      { key: 'x', value: 1 },
      { key: 'id', value: 2 },
    ]
    expect(fold({ id: 'a', additional_properties: null, additional_properties_2: further })).toEqual({
      id: 'a',
      additional_properties: null,
      x: 1,
    })
  })

  test('takes a value of any type as JSON text', () => {
    const { schema, fold } = lower(
      {
        type: 'object',
        properties: { value: {}, list: { type: 'array' }, any: { type: 'object' } },
        required: ['value', 'list', 'any'],
      },
      provider,
    )
    expect(schema.properties).toMatchObject({
      value: { type: 'string' },
      list: { type: 'array', items: { type: 'string' } },
    })
    expect(fold({ value: '{"a":[1]}', list: ['1', '"1"', 'plain words'], any: [{ key: 'k', value: 'null' }] })).toEqual(
      {
        value: { a: [1] },
        list: [1, '1', 'plain words'],
        any: { k: null },
      },
    )
  })

  test.each(['{"__proto__": {"a": 1}}', '{"constructor": {"prototype": {}}}', '['.repeat(65) + ']'.repeat(65)])(
    'refuses JSON text that no peer would read: %s',
    (text) => {
      const { fold } = lower({ type: 'object', properties: { value: {} } }, provider)
      expect(() => fold({ value: text })).toThrow(expect.objectContaining({ code: 'invalid_params' }))
    },
  )

  test('writes a tuple as an object, and makes it a list again', () => {
    const tuple = {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'number' }],
      items: { type: 'boolean' },
      minItems: 2,
    }
    const { schema, fold } = lower({ type: 'object', properties: { t: tuple }, required: ['t'] }, provider)
    expect(schema.properties).toMatchObject({
      t: closed({
        item_1: { type: 'string' },
        item_2: { type: 'number' },
        further_items: { type: 'array', items: { type: 'boolean' } },
      }),
    })
    expect(fold({ t: { item_1: 'a', item_2: 1, further_items: [true] } })).toEqual({ t: ['a', 1, true] })
    expect(fold({ t: ['a', 1] })).toEqual({ t: ['a', 1] })
  })

  test('says that a shorter tuple cannot be sent', () => {
    const tuple = { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, minItems: 1 }
    expect(lower({ type: 'object', properties: { t: tuple } }, provider).warnings).toEqual([
      { tool: 't', provider, code: 'tuple_narrowed', message: expect.stringContaining('/properties/t') },
    ])
  })

  test('moves what it cannot enforce into the description', () => {
    expect(
      lowerProperty({ type: 'string', minLength: 1, format: 'uri', title: 'Link', examples: ['a'] }, provider),
    ).toEqual({
      type: 'string',
      description: 'Link\nConstraints: {"minLength":1,"format":"uri","examples":["a"]}',
    })
    expect(lowerProperty({ type: 'integer', format: 'int64' }, provider)).toEqual({ type: 'integer' })
    expect(
      lowerProperty(
        { type: 'array', items: { type: 'string', format: 'email' }, uniqueItems: true, minItems: 1 },
        provider,
      ),
    ).toEqual({
      type: 'array',
      items: { type: 'string', format: 'email' },
      minItems: 1,
      description: 'Constraints: {"uniqueItems":true}',
    })
  })

  test('says "exactly one" only where two forms could fit at once', () => {
    const member = (kind: string) => ({ type: 'object', properties: { kind: { const: kind } }, required: ['kind'] })
    const apart = lowerProperty({ oneOf: [member('a'), member('b')] }, provider)
    expect(apart.description).toBeUndefined()
    expect(
      lowerProperty(
        {
          oneOf: [
            { type: 'string', pattern: '^a' },
            { type: 'string', pattern: 'b$' },
          ],
        },
        provider,
      ),
    ).toMatchObject({
      anyOf: [
        { type: 'string', pattern: '^a' },
        { type: 'string', pattern: 'b$' },
      ],
      description: 'Exactly one of these forms may fit.',
    })
  })

  test('gives each branch of a union what stands beside the union', () => {
    const schema = {
      type: 'object',
      properties: { id: { type: 'string' } },
      required: ['id'],
      oneOf: [
        { properties: { a: { type: 'null' } }, required: ['a'] },
        { properties: { b: { type: 'null' } }, required: ['b'] },
      ],
    }
    expect(lowerProperty(schema, provider)).toMatchObject({
      anyOf: [
        closed({ a: { type: 'null' }, id: { type: 'string' } }),
        closed({ b: { type: 'null' }, id: { type: 'string' } }),
      ],
    })
  })

  test('folds each branch in its own way', () => {
    const first = {
      type: 'object',
      properties: { kind: { const: 'map' }, of: { type: 'object', additionalProperties: { type: 'number' } } },
      required: ['kind', 'of'],
    }
    const second = {
      type: 'object',
      properties: {
        kind: { const: 'list' },
        of: { type: 'array', items: { type: 'number' } },
        sort: { type: 'boolean', default: true },
      },
      required: ['kind', 'of'],
    }
    const { fold } = lower({ type: 'object', properties: { p: { anyOf: [first, second] } } }, provider)
    expect(fold({ p: { kind: 'map', of: [{ key: 'a', value: 1 }] } })).toEqual({ p: { kind: 'map', of: { a: 1 } } })
    expect(fold({ p: { kind: 'list', of: [1], sort: null } })).toEqual({ p: { kind: 'list', of: [1], sort: true } })
    expect(fold({ p: { kind: 'other' } })).toEqual({ p: { kind: 'other' } })
  })

  test('takes objects among the allowed values as JSON text', () => {
    const { schema, fold } = lower(
      { type: 'object', properties: { p: { enum: ['a', { b: [1] }] } }, required: ['p'] },
      provider,
    )
    expect(schema.properties).toMatchObject({
      p: {
        anyOf: [
          { type: 'string', enum: ['a'] },
          { type: 'string', enum: ['{"b":[1]}'] },
        ],
      },
    })
    expect(fold({ p: '{"b":[1]}' })).toEqual({ p: { b: [1] } })
    expect(fold({ p: 'a' })).toEqual({ p: 'a' })
  })
})
