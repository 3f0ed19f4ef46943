import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineTool, maxTimeoutMs } from '../../src/tool/define-tool.ts'
import { define, description, refusal, withParams } from './define.ts'
import { pointSchema } from './point-schema.ts'

describe('refused definitions', () => {
  it.each([undefined, null, '', 'two words', 'a/b', 'x'.repeat(65), 'ünïcode', 'a\n', 7, {}, ['a']])(
    'refuses the name %j',
    (name) => {
      const { code, message } = refusal({ name, description })
      expect(code).toBe('invalid_name')
      expect(message).toContain('use 1 to 64 of the characters a-z, A-Z, 0-9, "_" and "-"')
    },
  )

  it('refuses two different names', () => {
    expect(refusal({ name: 'a', functionName: 'b', description })).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('"b"'),
    })
    expect(define({ name: 'a', functionName: 'a', description }).name).toBe('a')
  })

  it('refuses a tool without a handler', () => {
    expect(() => defineTool({ name: 'a', description }, undefined as never)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('"a"') }),
    )
  })

  it.each([undefined, null, 5, 'x'.repeat(16_385)])(
    'refuses a description that is no text of up to 16,384 characters',
    (bad) => {
      expect(refusal({ name: 'a', description: bad })).toMatchObject({ code: 'invalid_request' })
    },
  )

  it.each([
    ['a text', 'string'],
    ['a number', 5],
    ['null', null],
    ['a JSON Schema of another type', { type: 'string' }],
    ['a JSON Schema of two types', { type: ['object', 'null'] }],
    ['a JSON Schema without a type', { properties: {} }],
    ['a raw zod shape', { city: z.string() }],
    ['a zod text', z.string()],
    ['a zod union', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['properties that are a list', { type: 'object', properties: [] }],
    ['a zod schema inside a JSON Schema', { type: 'object', properties: { city: z.string() } }],
    ['a property that is no schema', { type: 'object', properties: { city: 'string' } }],
    ['required that is no list of names', { type: 'object', required: [1] }],
    ['required that is true', { type: 'object', required: true }],
    ['a type that JSON does not have', { type: 'object', properties: { a: { type: 'str' } } }],
    ['an empty list of types', { type: 'object', properties: { a: { type: [] } } }],
    ['an empty anyOf', { type: 'object', properties: { a: { anyOf: [] } } }],
    ['enum that is no list', { type: 'object', properties: { a: { enum: 'a' } } }],
    ['a pattern that is none', { type: 'object', properties: { a: { type: 'string', pattern: '[' } } }],
    ['a pattern for names that is none', { type: 'object', patternProperties: { '(': { type: 'string' } } }],
    ['a reference to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/none' } } }],
    ['a remote reference', { type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } }],
    ['a relative reference', { type: 'object', properties: { a: { $ref: 'a.json' } } }],
    ['a remote dynamic reference', { type: 'object', properties: { a: { $dynamicRef: 'https://example.com' } } }],
    ['a reference that is no text', { type: 'object', properties: { a: { $ref: 5 } } }],
    ['$data', { type: 'object', properties: { a: { const: 1, maximum: { $data: '1/b' } } } }],
    ['a value that JSON does not have', { type: 'object', properties: { a: { default: 1n } } }],
    ['a cycle', cyclicSchema()],
    ['a parameter called __proto__', { type: 'object', properties: JSON.parse('{"__proto__": {"type": "string"}}') }],
    ['__proto__ in a default', { type: 'object', default: JSON.parse('{"__proto__": 1}') }],
    ['a list with a name that is no text', ['a', 5]],
    ['a list with an empty name', ['']],
    ['a list with __proto__', ['__proto__']],
    ['a Standard Schema that describes a list', pointSchema({ jsonSchema: { type: 'array' } })],
    ['a Standard Schema that describes nothing', pointSchema({ jsonSchema: null })],
    [
      'a Standard Schema without JSON Schema',
      { '~standard': { version: 1, vendor: 'bare', validate: () => ({ value: 1 }) } },
    ],
    ['a zod date, which JSON does not have', z.object({ on: z.date() })],
  ])('refuses %s as params', (_what, params) => {
    const { code, message } = refusal({ name: 'search', description, params })
    expect(code).toBe('invalid_schema')
    expect(message).toMatch(/^Tool "search": /)
  })

  it('names the library that gives no JSON Schema', () => {
    const schema = { '~standard': { version: 1, vendor: 'bare', validate: () => ({ value: 1 }) } }
    expect(refusal({ name: 'a', description, params: schema }).message).toContain('this version of "bare"')
  })

  it('takes a schema of 32 levels and refuses 33', () => {
    expect(() => withParams(nested(32))).not.toThrow()
    expect(refusal({ name: 'a', description, params: nested(33) })).toEqual({
      code: 'invalid_schema',
      message: 'Tool "a": input schema is nested deeper than 32 levels',
    })
    expect(refusal({ name: 'a', description, params: nestedDefault(40) }).message).toContain('deeper than 32')
  })

  it('takes 200 properties at all levels together and refuses 201', () => {
    expect(() => withParams(wide(200))).not.toThrow()
    expect(refusal({ name: 'a', description, params: wide(201) }).message).toContain('declares 201 properties')
    const inner = { type: 'object', properties: { a: wide(100), b: wide(99) } }
    expect(refusal({ name: 'a', description, params: inner }).message).toContain('declares 201 properties')
  })

  it('takes a schema of 64 KiB and refuses one byte more, counting UTF-8', () => {
    expect(() => withParams(ofBytes(65_536))).not.toThrow()
    expect(refusal({ name: 'a', description, params: ofBytes(65_537) }).message).toContain('is 65537 bytes')
    const accented = { type: 'object', description: 'é'.repeat(33_000) }
    expect(refusal({ name: 'a', description, params: accented }).message).toContain('at most 65536')
  })

  it('holds output schemas to the same limits, whatever library they are of', () => {
    const big = pointSchema({ jsonSchema: ofBytes(65_537) })
    expect(refusal({ name: 'a', description, output: big })).toMatchObject({
      code: 'invalid_schema',
      message: expect.stringContaining('output schema is 65'),
    })
    expect(refusal({ name: 'a', description, output: { $ref: 'https://example.com' } }).code).toBe('invalid_schema')
    expect(refusal({ name: 'a', description, output: 'string' }).code).toBe('invalid_schema')
  })

  it('reads keywords only where keywords stand', () => {
    const params = {
      type: 'object',
      properties: { $ref: { type: 'string' }, $data: { type: 'string' }, type: { type: 'string' } },
      required: ['$ref', '$data'],
      default: { $ref: 'https://example.com', type: 'anything' },
      examples: [{ $data: 1, anyOf: 3 }],
      'x-hint': { type: 'anything' },
    }
    expect(withParams(params).inputSchema).toEqual(params)
  })

  it.each([
    ['a zod object', (name: string) => z.object({ [name]: z.string() })],
    ['a JSON Schema', (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } })],
    ['required of a JSON Schema', (name: string) => ({ type: 'object', required: [name] })],
    ['a list of names', (name: string) => ['query', name]],
  ])('refuses access_token and api_key as a parameter in %s', (_what, params) => {
    for (const name of ['access_token', 'api_key']) {
      expect(refusal({ name: 'a', description, params: params(name) })).toEqual({
        code: 'invalid_schema',
        message: `Tool "a": "${name}" must not be declared as a parameter; declare auth and read context.authToken`,
      })
    }
  })

  it('refuses auth_token in a schema, where it would be shown to the model', () => {
    for (const params of [z.object({ auth_token: z.string() }), { type: 'object', properties: { auth_token: {} } }]) {
      expect(refusal({ name: 'a', description, params }).code).toBe('invalid_schema')
    }
  })

  it('refuses requiredParams beside a schema, and names that params does not list', () => {
    const params = { type: 'object', properties: { a: { type: 'string' } } }
    expect(refusal({ name: 'a', description, params, requiredParams: ['a'] }).code).toBe('invalid_request')
    expect(refusal({ name: 'a', description, params: ['a'], requiredParams: ['a', 'b', 'c'] })).toEqual({
      code: 'invalid_schema',
      message: 'Tool "a": required but not in params: b, c',
    })
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, maxTimeoutMs + 1, '5', null])(
    'refuses the time limit %j',
    (timeoutMs) => {
      expect(refusal({ name: 'a', description, timeoutMs })).toEqual({
        code: 'invalid_request',
        message: 'Tool "a": timeoutMs must be a whole number of milliseconds from 1 to 600000',
      })
    },
  )

  it.each([
    ['both spellings', { auth: { type: 'OAuth2' }, authType: 'OAuth2' }],
    ['a provider without a type', { authProvider: 'hubspot' }],
    ['a credential without a type', { auth: { with: 'api_key' } }],
    ['an empty object', { auth: {} }],
    ['a text', { auth: 'OAuth2' }],
    ['a type that is no text', { auth: { type: 5 } }],
  ])('refuses auth given as %s', (_what, auth) => {
    expect(refusal({ name: 'a', description, ...auth })).toMatchObject({ code: 'invalid_request' })
  })

  it('refuses tags and annotations that no server would take', () => {
    for (const bad of [{ tags: 'x' }, { tags: [5] }, { tags: ['x'.repeat(129)] }, { annotations: { title: 5 } }]) {
      expect(refusal({ name: 'a', description, ...bad })).toMatchObject({ code: 'invalid_request' })
    }
  })
})

function cyclicSchema(): object {
  const schema: { type: string; items?: unknown } = { type: 'object' }
  schema.items = schema
  return schema
}

/** A schema of exactly that many levels: each `not` is one. */
function nested(levels: number): Record<string, unknown> {
  let schema: Record<string, unknown> = {}
  for (let level = 2; level < levels; level += 1) schema = { not: schema }
  return { type: 'object', not: schema }
}

function nestedDefault(levels: number): Record<string, unknown> {
  let value: unknown = 1
  for (let level = 0; level < levels; level += 1) value = [value]
  return { type: 'object', default: value }
}

function wide(count: number): Record<string, unknown> {
  const names = Array.from({ length: count }, (_, index) => [`p${index}`, { type: 'string' }])
  return { type: 'object', properties: Object.fromEntries(names) }
}

function ofBytes(bytes: number): Record<string, unknown> {
  const empty = { type: 'object', description: '' }
  return { ...empty, description: 'x'.repeat(bytes - JSON.stringify(empty).length) }
}
