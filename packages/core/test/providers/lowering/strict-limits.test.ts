import { describe, expect, test } from 'vitest'
import { lower } from './lower.ts'

describe.each(['openai-strict', 'openai-chat-strict'])('a schema for %s', (provider) => {
  test.each([
    [
      'levels of objects',
      Array.from({ length: 11 }).reduce(
        (inner: object) => ({ type: 'object', properties: { a: inner }, required: ['a'] }),
        { type: 'string' },
      ),
    ],
    [
      'values of enums',
      {
        type: 'object',
        properties: Object.fromEntries(
          [1, 2, 3].map((at) => [`p${at}`, { enum: Array.from({ length: 400 }, (_, value) => value + at * 1_000) }]),
        ),
      },
    ],
    [
      'characters in an enum',
      {
        type: 'object',
        properties: { a: { enum: Array.from({ length: 300 }, (_, value) => String(value).padStart(60)) } },
      },
    ],
  ])('is not strict where its %s are beyond the limits of strict mode', (words, inputSchema) => {
    const { schema, warnings, fold } = lower(inputSchema as Record<string, unknown>, provider)
    expect(schema).toEqual(lower(inputSchema as Record<string, unknown>, 'openai').schema)
    expect(warnings).toEqual([{ tool: 't', provider, code: 'not_strict', message: expect.stringContaining(words) }])
    expect(fold({ a: null })).toEqual({ a: null })
  })
})
