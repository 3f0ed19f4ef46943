import { describe, expect, test } from 'vitest'
import { mistralFormat } from '../../src/providers/mistral.ts'
import { describedTool, readCall } from './fixtures.ts'

const outcome = { ok: true, result: 1 } as const
const raw = { role: 'tool', name: 'search', content: '1', tool_call_id: 'a1B2c3D4e' }

describe('mistral', () => {
  test('nests tools under function', () => {
    expect(mistralFormat.toTools([describedTool('search')]).tools).toEqual([
      {
        type: 'function',
        function: {
          name: 'search',
          description: 'Does search',
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
      },
    ])
  })

  test.each(['mistral', 'plain'] as const)('writes the result of a %s call as JSON that the API takes', (form) => {
    const messages = mistralFormat.toResultMessages([{ call: readCall({ id: 'a1B2c3D4e', form }), outcome }])
    expect(JSON.parse(JSON.stringify(messages))).toEqual([raw])
  })

  test('lets the official package read the id of every result', () => {
    const results = (['mistral', 'mistral-sdk', 'plain'] as const).map((form) => ({
      call: readCall({ id: 'a1B2c3D4e', form }),
      outcome,
    }))
    expect(mistralFormat.toResultMessages(results).map((message) => message.toolCallId)).toEqual(
      results.map(() => 'a1B2c3D4e'),
    )
  })

  test("keeps the package's id in copies when the calls came as the package's own message", () => {
    const message = {
      role: 'assistant',
      toolCalls: [{ id: 'a1B2c3D4e', function: { name: 'search', arguments: '{}' } }],
    }
    const results = mistralFormat.parseToolCalls(message).map((call) => ({ call, outcome }))
    expect(mistralFormat.toResultMessages(results).map((each) => ({ ...each }))).toEqual([
      { ...raw, toolCallId: 'a1B2c3D4e' },
    ])
  })
})
