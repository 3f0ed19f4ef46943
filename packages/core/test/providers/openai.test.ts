import { describe, expect, test } from 'vitest'
import { openaiChatFormat, openaiFormat, toChatCompletionsTools } from '../../src/providers/openai.ts'
import { describedTool, readCall } from './fixtures.ts'

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const outcome = { ok: true, result: { ok: 1 } } as const

describe('openai tools', () => {
  test('have the Responses form and are never strict by surprise', () => {
    expect(openaiFormat.toTools([describedTool('search')]).tools).toEqual([
      { type: 'function', name: 'search', description: 'Does search', parameters, strict: false },
    ])
  })

  test('are nested for Chat Completions', () => {
    expect(openaiChatFormat.toTools([describedTool('search')]).tools).toEqual([
      { type: 'function', function: { name: 'search', description: 'Does search', parameters } },
    ])
  })

  test('of a Responses context nest to the same as those of openai-chat', () => {
    const tools = [describedTool('search'), describedTool('now')]
    expect(toChatCompletionsTools(openaiFormat.toTools(tools).tools)).toEqual(openaiChatFormat.toTools(tools).tools)
  })

  test('that are nested already, or not functions, are left alone', () => {
    const nested = openaiChatFormat.toTools([describedTool('search')]).tools
    const hosted = { type: 'web_search' }
    expect(toChatCompletionsTools([...nested, hosted])).toEqual([...nested, hosted])
  })

  test('that are strict stay strict when nested', () => {
    const strict = { type: 'function', name: 'search', description: '', parameters, strict: true }
    expect(toChatCompletionsTools([strict])).toEqual([
      { type: 'function', function: { name: 'search', description: '', parameters, strict: true } },
    ])
  })
})

describe('openai results', () => {
  test.each([openaiFormat, openaiChatFormat])('of $name follow the form of each call', (format) => {
    const results = [
      { call: readCall({ id: 'a', form: 'responses' }), outcome },
      { call: readCall({ id: 'b', form: 'chat' }), outcome },
    ]
    expect(format.toResultMessages(results)).toEqual([
      { type: 'function_call_output', call_id: 'a', output: '{"ok":1}' },
      { role: 'tool', tool_call_id: 'b', content: '{"ok":1}' },
    ])
  })

  test('of plain calls have the form of the API that the tools were for', () => {
    const results = [{ call: readCall({ id: 'a', form: 'plain' }), outcome }]
    expect(openaiFormat.toResultMessages(results)).toEqual([
      { type: 'function_call_output', call_id: 'a', output: '{"ok":1}' },
    ])
    expect(openaiChatFormat.toResultMessages(results)).toEqual([
      { role: 'tool', tool_call_id: 'a', content: '{"ok":1}' },
    ])
  })

  test('of unreadable calls in a chat message have the chat form', () => {
    const calls = openaiFormat.parseToolCalls({ role: 'assistant', tool_calls: [{ id: 'a', odd: true }, 5] })
    expect(calls.map((call) => call.form)).toEqual(['chat', 'chat'])
  })
})
