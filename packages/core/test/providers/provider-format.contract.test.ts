import { anthropicFormat } from '../../src/providers/anthropic.ts'
import { mistralFormat } from '../../src/providers/mistral.ts'
import { openaiChatFormat, openaiFormat } from '../../src/providers/openai.ts'
import { describeProviderFormat, type FormatSample } from './describe-provider-format.ts'

/** OpenAI answers each call in the form of its API, so a mixed list has both kinds of results. */
const readOpenaiResults: FormatSample['readResults'] = (messages) =>
  messages.map((message) =>
    message.role === 'tool'
      ? { id: message.tool_call_id, text: message.content }
      : { id: message.call_id, text: message.output },
  )

describeProviderFormat(openaiFormat, {
  call: (call_id, name, args) => ({ type: 'function_call', call_id, name, arguments: args }),
  readResults: readOpenaiResults,
  argumentsAreText: true,
})

describeProviderFormat(openaiChatFormat, {
  call: (id, name, args) => ({ id, type: 'function', function: { name, arguments: args } }),
  readResults: readOpenaiResults,
  argumentsAreText: true,
})

describeProviderFormat(anthropicFormat, {
  call: (id, name, input) => ({ type: 'tool_use', id, name, input }),
  readResults: (messages) =>
    messages.flatMap((message) =>
      (message.content as Record<string, unknown>[]).map((block) => ({ id: block.tool_use_id, text: block.content })),
    ),
  argumentsAreText: false,
})

describeProviderFormat(mistralFormat, {
  call: (id, name, args) => ({ id, function: { name, arguments: args } }),
  readResults: (messages) => messages.map((message) => ({ id: message.tool_call_id, text: message.content })),
  argumentsAreText: true,
})
