import { describe, expect, it } from 'vitest'
import { memberText, readLlmMessage, readLlmText } from '../../../src/compat/read-llm-message.ts'

const task = (payload: unknown, more: Record<string, unknown> = {}) =>
  readLlmMessage({ type: 'task_request', request_id: 'r', toolkit_id: 't', payload, ...more })

describe('a task_request', () => {
  it.each([
    ['JSON text (0.1.2, 0.1.3)', '{"function": "add", "parameters": {"a": 1}}'],
    ['JSON text in a fence', '```json\n{"function": "add", "parameters": {"a": 1}}\n```'],
    ['an object (0.1.4, 0.1.5)', { function: 'add', parameters: { a: 1 } }],
    ['arguments as object (0.1.6, 0.1.7)', { id: 'c', function: 'add', arguments: { a: 1 }, type: 'function' }],
    ['arguments as text (0.1.6, 0.1.7)', { id: 'c', function: 'add', arguments: '{"a": 1}', type: 'function' }],
    ['a token beside it (0.1.8)', { function: 'add', parameters: { a: 1 }, auth_token: null }],
    ['a tool_call_id (0.2.1)', { function: 'add', parameters: { a: 1 }, auth_token: null, tool_call_id: 'c' }],
    ['parameters as text', { function: 'add', parameters: '{"a": 1}' }],
    ['a Chat Completions call', { id: 'c', type: 'function', function: { name: 'add', arguments: '{"a": 1}' } }],
  ])('is read with its payload as %s', (_what, payload) => {
    expect(task(payload)).toMatchObject({ kind: 'call', tool: 'add', params: { a: 1 }, problem: undefined })
  })

  it.each([
    ['null', { function: 'ping', parameters: null }],
    ['nothing', { function: 'ping' }],
    ['an empty text', { function: 'ping', arguments: '' }],
  ])('takes %s for no parameters', (_what, payload) => {
    expect(task(payload)).toMatchObject({ tool: 'ping', params: {}, problem: undefined })
  })

  it.each([
    ['parameters that are a list', { function: 'add', parameters: [1] }, 'add', 'invalid_params'],
    ['parameters that are no JSON', { function: 'add', arguments: '{"a": 1' }, 'add', 'invalid_params'],
    ['no function', { parameters: {} }, 'unknown', 'invalid_request'],
    ['an empty function', { function: '', parameters: {} }, '', 'invalid_request'],
    ['a name of 257 characters', { function: 'x'.repeat(257), parameters: {} }, 'x'.repeat(256), 'invalid_request'],
    ['two calls', [{ function: 'a' }, { function: 'b' }], 'unknown', 'invalid_request'],
    ['no payload', undefined, 'unknown', 'invalid_request'],
    ['a number', 7, 'unknown', 'invalid_request'],
    ['text without JSON', 'please add', 'unknown', 'invalid_request'],
  ])('has a problem, and the name as far as it goes, with %s', (_what, payload, tool, code) => {
    expect(task(payload)).toMatchObject({ kind: 'call', requestId: 'r', tool, problem: { code } })
  })

  it.each([
    ['in the payload', { function: 'f', auth_token: 'inner' }, { auth_token: 'outer' }, 'inner'],
    ['beside it', { function: 'f' }, { auth_token: 'outer' }, 'outer'],
    ['beside it when the inner one is empty', { function: 'f', auth_token: '' }, { auth_token: 'outer' }, 'outer'],
    ['nowhere', { function: 'f', auth_token: 5 }, { auth_token: '' }, undefined],
  ])('has its token %s', (_where, payload, more, authToken) => {
    expect(task(payload, more)).toMatchObject({ authToken })
  })

  it('is never refused for its provider, which later versions leave out', () => {
    for (const provider of [undefined, null, 'nonsense', 5]) {
      expect(task({ function: 'f' }, { provider })).toMatchObject({ provider: 'openai', problem: undefined })
    }
    expect(task({ function: 'f' }, { provider: 'Anthropic' })).toMatchObject({ provider: 'Anthropic' })
  })

  it.each([undefined, null, 5, '', 'x'.repeat(513)])('has a problem with the toolkit_id %s', (toolkit_id) => {
    expect(task({ function: 'f' }, { toolkit_id })).toMatchObject({ tool: 'f', problem: { code: 'invalid_request' } })
  })
})

describe('get_toolkit_context', () => {
  const context = (more: Record<string, unknown>) =>
    readLlmMessage({ type: 'get_toolkit_context', request_id: 'r', toolkit_id: 't', ...more })

  it('keeps provider and prompt as they came', () => {
    expect(context({ provider: 'OpenAI', user_prompt: 'hi' })).toMatchObject({
      provider: 'OpenAI',
      userPrompt: 'hi',
      wantsText: false,
      problem: undefined,
    })
  })

  it.each([undefined, null, ''])('means openai and a text with the provider %s', (provider) => {
    expect(context({ provider })).toMatchObject({ provider: 'openai', wantsText: true, problem: undefined })
  })

  it('has a problem with a provider that is no text', () => {
    expect(context({ provider: 5 })).toMatchObject({ problem: { code: 'unknown_provider' } })
  })
})

describe('a text that cannot be read', () => {
  it.each([
    ['is cut', '{"type": "task_request", "request_id": "r", "payload": {"function": "f", '],
    [
      'has NaN in it',
      '{"payload": {"function": "f", "parameters": {"x": NaN}}, "request_id": "r", "type": "task_request"}',
    ],
    ['has a __proto__ member', '{"type": "task_request", "request_id": "r", "payload": {"__proto__": {}}}'],
    ['is nested too deeply', `{"type":"task_request","request_id":"r","payload":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('still says whom to answer when it %s', (_how, text) => {
    expect(readLlmText(text)).toMatchObject({ kind: 'call', requestId: 'r', problem: { code: 'invalid_json' } })
  })

  it.each(['', 'null', '[]', '"task_request"', '{"type": 5}', '{broken'])('is nobody’s: %s', (text) => {
    expect(readLlmText(text)).toMatchObject({ kind: 'other' })
  })
})

it('keeps a request_id of any kind', () => {
  for (const request_id of [0, null, '', ['a'], { b: 1 }]) {
    expect(readLlmMessage({ type: 'auth', request_id })).toMatchObject({ requestId: request_id })
  }
})

it('finds a text member of any JSON, with its escapes', () => {
  expect(memberText('{"request_id" : "a\\"\\u00e9"', 'request_id')).toBe('a"é')
  expect(memberText('{"request_id": 5}', 'request_id')).toBeUndefined()
  expect(memberText('{"request_id": "\\x"}', 'request_id')).toBeUndefined()
})
