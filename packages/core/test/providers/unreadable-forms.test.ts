import { describe, expect, test } from 'vitest'
import { providerFormat } from '../../src/providers/provider-by-name.ts'

const all = ['openai', 'openai-chat', 'anthropic', 'mistralai']
const args = { city: 'Zürich' }
const text = JSON.stringify(args)
const responsesCall = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'search', arguments: text }
const chatCall = { id: 'call_1', type: 'function', function: { name: 'search', arguments: text } }
const chatMessage = { role: 'assistant', content: null, tool_calls: [chatCall] }
const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'search', input: args }

describe('what is no call', () => {
  test.each(
    all.flatMap((provider) =>
      [undefined, null, 5, true, '', 'Hello', '5', '"{}"', '```json\nno\n```'].map((value) => ({ provider, value })),
    ),
  )('$provider refuses $value', ({ provider, value }) => {
    expect(() => providerFormat(provider).parseToolCalls(value)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })

  test.each([
    { provider: 'openai', value: toolUse },
    { provider: 'openai', value: { type: 'message', role: 'assistant', content: [toolUse] } },
    { provider: 'anthropic', value: { choices: [{ message: chatMessage }] } },
    { provider: 'mistralai', value: { output: [responsesCall] } },
    { provider: 'openai', value: { city: 'Bern' } },
    { provider: 'openai', value: '{"city": "Bern"}' },
  ])('$provider refuses one object of another form and names itself: $value', ({ provider, value }) => {
    expect(() => providerFormat(provider).parseToolCalls(value)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(`"${provider}"`) }),
    )
  })

  test('a call of another provider in a list is kept with an error and its id', () => {
    const parsed = providerFormat('openai').parseToolCalls([toolUse, chatCall])
    expect(parsed.map(({ id, args: read, error }) => [id, read, typeof error])).toEqual([
      ['toolu_1', undefined, 'string'],
      ['call_1', args, 'undefined'],
    ])
  })

  test('a call without a name is kept with an error and its id', () => {
    const parsed = providerFormat('openai').parseToolCalls({
      role: 'assistant',
      tool_calls: [{ id: 'call_1', function: {} }],
    })
    expect(parsed).toEqual([
      { id: 'call_1', name: 'unknown', args: undefined, error: expect.stringContaining('no tool name'), form: 'chat' },
    ])
  })

  test('a fence that is no JSON beside one that is does not take it along', () => {
    const parsed = providerFormat('openai').parseToolCalls(
      '```json\n{"function": "now"}\n```\n```json\n{"function": \n```',
    )
    expect(parsed.map((call) => [call.name, call.error === undefined])).toEqual([
      ['now', true],
      ['unknown', false],
    ])
  })

  test('lists nested without end become one unreadable call', () => {
    let nested: unknown = [chatCall]
    for (let level = 0; level < 10_000; level += 1) nested = [nested]
    const parsed = providerFormat('openai').parseToolCalls(nested)
    expect(parsed.map((call) => call.args)).toEqual([undefined])
  })
})
