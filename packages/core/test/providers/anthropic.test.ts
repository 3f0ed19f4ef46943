import { describe, expect, test } from 'vitest'
import { anthropicFormat } from '../../src/providers/anthropic.ts'
import { describedTool, readCall } from './fixtures.ts'

describe('anthropic', () => {
  test('describes tools with input_schema and no type', () => {
    expect(anthropicFormat.toTools([describedTool('search')]).tools).toEqual([
      {
        name: 'search',
        description: 'Does search',
        input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    ])
  })

  test('puts all results into one user message and marks errors only', () => {
    const error = { code: 'tool_error', message: 'No', retryable: false } as const
    const messages = anthropicFormat.toResultMessages([
      { call: readCall({ id: 'a', form: 'anthropic' }), outcome: { ok: true, result: 1 } },
      { call: readCall({ id: 'b', form: 'anthropic' }), outcome: { ok: false, error } },
      { call: readCall({ id: 'c', form: 'plain' }), outcome: { ok: true, result: 'x' } },
    ])
    expect(messages).toStrictEqual([
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: '1' },
          { type: 'tool_result', tool_use_id: 'b', content: '{"error":"No"}', is_error: true },
          { type: 'tool_result', tool_use_id: 'c', content: '"x"' },
        ],
      },
    ])
  })
})
