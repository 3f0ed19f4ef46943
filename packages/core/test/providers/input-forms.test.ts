import { describe, expect, test } from 'vitest'
import { providerFormat } from '../../src/providers/provider-by-name.ts'
import type { ParsedToolCall, ProviderName } from '../../src/providers/provider-format.ts'

type Expected = Pick<ParsedToolCall, 'id' | 'name' | 'args' | 'form'>
interface Form {
  title: string
  providers: ProviderName[]
  value: unknown
  calls: Expected[]
}

const args = { city: 'Zürich' }
const text = JSON.stringify(args)
const openai: ProviderName[] = ['openai', 'openai-chat']
const all: ProviderName[] = [...openai, 'anthropic', 'mistralai']
/** Of ours; where the provider is Mistral, as Mistral takes them. */
const ours = expect.stringMatching(/^(call_[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{9})$/) as string

const responsesCall = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'search', arguments: text }
const chatCall = { id: 'call_1', type: 'function', function: { name: 'search', arguments: text } }
const chatMessage = { role: 'assistant', content: null, refusal: null, tool_calls: [chatCall] }
const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'search', input: args }
const mistralCall = { id: 'a1B2c3D4e', function: { name: 'search', arguments: text } }
const sdkMessage = { role: 'assistant', content: '', prefix: false, toolCalls: [{ ...mistralCall, index: 0 }] }

const read = { id: 'call_1', name: 'search', args }
const fromResponses: Expected = { ...read, form: 'responses' }
const fromChat: Expected = { ...read, form: 'chat' }
const fromAnthropic: Expected = { ...read, id: 'toolu_1', form: 'anthropic' }
const fromMistral: Expected = { ...read, id: 'a1B2c3D4e', form: 'mistral' }
const fromMistralSdk: Expected = { ...fromMistral, form: 'mistral-sdk' }
const fromPlain: Expected = { ...read, id: ours, form: 'plain' }

const forms: Form[] = [
  { title: 'Responses item', providers: openai, value: responsesCall, calls: [fromResponses] },
  {
    title: 'Responses item without type, arguments as object',
    providers: openai,
    value: [{ call_id: 'call_1', name: 'search', arguments: args }],
    calls: [fromResponses],
  },
  {
    title: 'call nested under function_call',
    providers: openai,
    value: [{ function_call: { call_id: 'call_1', name: 'search', arguments: text } }],
    calls: [fromResponses],
  },
  {
    title: 'id beside function_call',
    providers: openai,
    value: { call_id: 'call_1', function_call: { name: 'search', arguments: text } },
    calls: [fromResponses],
  },
  {
    title: 'Responses output with reasoning, text and a hosted tool beside the call',
    providers: openai,
    value: [
      { type: 'reasoning', id: 'rs_1', summary: [] },
      {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'I look it up.', annotations: [] }],
      },
      { type: 'mcp_call', id: 'mcp_1', name: 'elsewhere', arguments: '{}', server_label: 'other', output: 'done' },
      responsesCall,
    ],
    calls: [fromResponses],
  },
  {
    title: 'whole Responses response',
    providers: openai,
    value: { id: 'resp_1', object: 'response', status: 'completed', output: [responsesCall], tools: [] },
    calls: [fromResponses],
  },
  { title: 'Chat Completions call', providers: openai, value: chatCall, calls: [fromChat] },
  {
    title: 'Chat Completions call without type, arguments as object',
    providers: openai,
    value: [{ id: 'call_1', function: { name: 'search', arguments: args } }],
    calls: [fromChat],
  },
  { title: 'Chat Completions message', providers: openai, value: chatMessage, calls: [fromChat] },
  {
    title: 'whole chat completion, of whose choices only the first counts',
    providers: openai,
    value: {
      object: 'chat.completion',
      choices: [
        { index: 0, finish_reason: 'tool_calls', message: chatMessage },
        { index: 1, finish_reason: 'tool_calls', message: chatMessage },
      ],
    },
    calls: [fromChat],
  },
  {
    title: 'message with the function_call of old',
    providers: openai,
    value: { role: 'assistant', content: null, function_call: { name: 'search', arguments: text } },
    calls: [{ ...fromResponses, id: ours }],
  },
  {
    title: 'chat completion that only talks',
    providers: openai,
    value: { choices: [{ message: { role: 'assistant', content: 'Hi', tool_calls: null } }] },
    calls: [],
  },
  { title: 'tool_use block', providers: ['anthropic'], value: toolUse, calls: [fromAnthropic] },
  {
    title: 'tool_use block without type',
    providers: ['anthropic'],
    value: { id: 'toolu_1', name: 'search', input: args },
    calls: [fromAnthropic],
  },
  {
    title: 'content with thinking, text and a server tool beside the call',
    providers: ['anthropic'],
    value: [
      { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
      { type: 'text', text: 'I look it up.' },
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } },
      toolUse,
    ],
    calls: [fromAnthropic],
  },
  {
    title: 'whole Message',
    providers: ['anthropic'],
    value: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      stop_reason: 'tool_use',
      content: [{ type: 'text', text: 'So.' }, toolUse],
    },
    calls: [fromAnthropic],
  },
  {
    title: 'assistant message parameter',
    providers: ['anthropic'],
    value: { role: 'assistant', content: [toolUse] },
    calls: [fromAnthropic],
  },
  { title: 'single text block', providers: ['anthropic'], value: { type: 'text', text: 'Hi' }, calls: [] },
  {
    title: 'message whose content is text',
    providers: ['anthropic'],
    value: { role: 'assistant', content: 'Hi' },
    calls: [],
  },
  {
    title: 'block with empty input',
    providers: ['anthropic'],
    value: [{ type: 'tool_use', id: 'toolu_1', name: 'search', input: {} }],
    calls: [{ ...fromAnthropic, args: {} }],
  },
  { title: 'raw call', providers: ['mistralai'], value: mistralCall, calls: [fromMistral] },
  {
    title: 'flat call',
    providers: ['mistralai'],
    value: [{ id: 'a1B2c3D4e', name: 'search', arguments: args }],
    calls: [fromMistral],
  },
  {
    title: 'list of calls as API and package give it',
    providers: ['mistralai'],
    value: sdkMessage.toolCalls,
    calls: [fromMistral],
  },
  {
    title: 'raw message',
    providers: ['mistralai'],
    value: { role: 'assistant', content: '', tool_calls: [mistralCall] },
    calls: [fromMistral],
  },
  { title: 'message of the package', providers: ['mistralai'], value: sdkMessage, calls: [fromMistralSdk] },
  {
    title: 'whole response of the package',
    providers: ['mistralai'],
    value: { object: 'chat.completion', choices: [{ index: 0, message: sdkMessage, finishReason: 'tool_calls' }] },
    calls: [fromMistralSdk],
  },
  {
    title: 'whole raw response',
    providers: ['mistralai'],
    value: { choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: [mistralCall] } }] },
    calls: [fromMistral],
  },
  {
    title: '{function, parameters}',
    providers: all,
    value: { function: 'search', parameters: args },
    calls: [fromPlain],
  },
  {
    title: 'parameters as JSON text',
    providers: all,
    value: { function: 'search', parameters: text },
    calls: [fromPlain],
  },
  {
    title: '{id, function, arguments, type} of early versions',
    providers: all,
    value: { id: 'call_1', function: 'search', arguments: text, type: 'function' },
    calls: [{ ...fromPlain, id: 'call_1' }],
  },
  {
    title: '{function, parameters} with a tool_call_id',
    providers: all,
    value: [{ function: 'search', parameters: args, tool_call_id: 'call_1' }],
    calls: [{ ...fromPlain, id: 'call_1' }],
  },
  { title: 'JSON text', providers: all, value: `{"function": "search", "parameters": ${text}}`, calls: [fromPlain] },
  {
    title: 'JSON text of a list',
    providers: all,
    value: `[{"function": "search", "parameters": ${text}}, {"function": "now"}]`,
    calls: [fromPlain, { ...fromPlain, name: 'now', args: {} }],
  },
  {
    title: 'text in a json fence with talk around',
    providers: all,
    value: `I look it up.\n\`\`\`json\n{"function": "search", "parameters": ${text}}\n\`\`\`\nOne moment.`,
    calls: [fromPlain],
  },
  {
    title: 'two fences',
    providers: all,
    value: `\`\`\`json\n{"function": "search", "parameters": ${text}}\n\`\`\`\nand\n\`\`\`\n{"function": "now"}\n\`\`\``,
    calls: [fromPlain, { ...fromPlain, name: 'now', args: {} }],
  },
  {
    title: 'fence on one line',
    providers: all,
    value: `\`\`\`json {"function": "search", "parameters": ${text}} \`\`\``,
    calls: [fromPlain],
  },
  {
    title: 'list of texts',
    providers: all,
    value: [`{"function": "search", "parameters": ${text}}`],
    calls: [fromPlain],
  },
  {
    title: 'JSON text of a whole chat completion',
    providers: openai,
    value: JSON.stringify({ choices: [{ message: chatMessage }] }),
    calls: [fromChat],
  },
  {
    title: 'JSON text of a whole Message',
    providers: ['anthropic'],
    value: JSON.stringify({ type: 'message', role: 'assistant', content: [toolUse] }),
    calls: [fromAnthropic],
  },
  { title: 'empty list', providers: all, value: [], calls: [] },
]

const cases = forms.flatMap((form) => form.providers.map((provider) => ({ ...form, provider })))

describe('input forms', () => {
  test.each(cases)('$provider reads: $title', ({ provider, value, calls }) => {
    const parsed = providerFormat(provider).parseToolCalls(value)
    expect(parsed).toEqual(calls.map((call) => ({ ...call, error: undefined })))
  })

  test('mixed forms in one list keep their order and ids', () => {
    const parsed = providerFormat('openai').parseToolCalls([
      { ...responsesCall, call_id: 'c' },
      { ...chatCall, id: 'a' },
      { function: 'now', parameters: {}, tool_call_id: 'b' },
    ])
    expect(parsed.map(({ id, form }) => [id, form])).toEqual([
      ['c', 'responses'],
      ['a', 'chat'],
      ['b', 'plain'],
    ])
  })

  test('calls without an id get different ones', () => {
    const parsed = providerFormat('openai').parseToolCalls([{ function: 'now' }, { function: 'now' }])
    expect(new Set(parsed.map((call) => call.id)).size).toBe(2)
  })

  test('an empty id stays, for the provider looks for exactly what it gave', () => {
    const parsed = providerFormat('openai-chat').parseToolCalls([{ ...chatCall, id: '' }])
    expect(parsed[0]?.id).toBe('')
  })

  test('objects are not changed by reading them', () => {
    const value = structuredClone(chatMessage)
    providerFormat('openai').parseToolCalls(value)
    expect(value).toEqual(chatMessage)
  })
})
