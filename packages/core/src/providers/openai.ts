import { isJsonObject } from '../protocol/json.ts'
import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { type DescribedTool, describeTools } from './describe-tools.ts'
import type {
  ProviderFormat,
  ProviderName,
  ProviderSchema,
  ResultOptions,
  ToolCallForm,
  ToolCallResult,
} from './provider-format.ts'
import { providerRules } from './provider-rules.ts'
import { type CallReader, type RawCall, readCalls } from './read-calls.ts'
import { resultText } from './result-text.ts'

/** A tool of the Responses API. */
export type ResponsesTool = {
  type: 'function'
  name: string
  description: string
  parameters: ProviderSchema
  strict: boolean
}

/** A tool of the Chat Completions API. */
export type ChatTool = {
  type: 'function'
  function: { name: string; description: string; parameters: ProviderSchema; strict?: true }
}

/** A call's result for the Responses API. */
export type ResponsesOutput = { type: 'function_call_output'; call_id: string; output: string }

/** A call's result for the Chat Completions API. */
export type ChatToolMessage = { role: 'tool'; tool_call_id: string; content: string }

/**
 * OpenAI, tools in the Responses form. Reads calls of both APIs and answers each in the form it came in; a call in no
 * provider's form is answered as Responses output.
 */
export const openaiFormat: ProviderFormat<ResponsesTool, ResponsesOutput | ChatToolMessage> = createFormat(
  'openai',
  toResponsesTool,
  'responses',
)

/** OpenAI, tools in the Chat Completions form, which most compatible servers speak too. */
export const openaiChatFormat: ProviderFormat<ChatTool, ResponsesOutput | ChatToolMessage> = createFormat(
  'openai-chat',
  toChatTool,
  'chat',
)

/** As {@link openaiFormat}, with schemas that the API enforces (`strict: true`) for all tools it can enforce. */
export const openaiStrictFormat: ProviderFormat<ResponsesTool, ResponsesOutput | ChatToolMessage> = createFormat(
  'openai-strict',
  toResponsesTool,
  'responses',
)

/** As {@link openaiChatFormat}, with schemas that the API enforces (`strict: true`) for all tools it can enforce. */
export const openaiChatStrictFormat: ProviderFormat<ChatTool, ResponsesOutput | ChatToolMessage> = createFormat(
  'openai-chat-strict',
  toChatTool,
  'chat',
)

function createFormat<Tool extends Record<string, unknown>>(
  name: ProviderName,
  write: (tool: DescribedTool) => Tool,
  otherwise: 'responses' | 'chat',
): ProviderFormat<Tool, ResponsesOutput | ChatToolMessage> {
  const rules = providerRules[name]
  return {
    name,
    strict: rules.strict,
    toTools: (tools: readonly ToolDescriptor[]) => describeTools(tools, rules, write),
    parseToolCalls: (value: unknown) => readCalls(value, openaiReader),
    toResultMessages: (
      results: readonly ToolCallResult[],
      { maxResultLength = rules.maxResultLength }: ResultOptions = {},
    ) => results.map((result) => toMessage(result, otherwise, maxResultLength)),
  }
}

/**
 * Nests the tools of a context of provider `openai` for the Chat Completions API. Tools that are nested already, and
 * tools of other types, come back as they are.
 */
export function toChatCompletionsTools(tools: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return tools.map((tool) => {
    if (tool.type !== 'function' || isJsonObject(tool.function)) return tool
    const { type, strict, ...description } = tool
    return { type, function: strict === true ? { ...description, strict } : description }
  })
}

function toResponsesTool({ name, description, schema, strict }: DescribedTool): ResponsesTool {
  // Without an explicit `strict` this API turns it on and refuses schemas with optional parameters.
  return { type: 'function', name, description, parameters: schema, strict }
}

function toChatTool({ name, description, schema, strict }: DescribedTool): ChatTool {
  // Not strict is the default of this API, and many servers that speak it refuse members they do not know.
  return { type: 'function', function: { name, description, parameters: schema, ...(strict ? { strict } : {}) } }
}

function toMessage(
  result: ToolCallResult,
  otherwise: 'responses' | 'chat',
  maxLength: number,
): ResponsesOutput | ChatToolMessage {
  const { id, form } = result.call
  const text = resultText(result, maxLength)
  if (apiOf(form, otherwise) === 'chat') return { role: 'tool', tool_call_id: id, content: text }
  return { type: 'function_call_output', call_id: id, output: text }
}

function apiOf(form: ToolCallForm, otherwise: 'responses' | 'chat'): 'responses' | 'chat' {
  if (form === 'responses') return 'responses'
  return form === 'plain' ? otherwise : 'chat'
}

const openaiReader: CallReader = {
  provider: 'openai',
  callTypes: new Set(['function_call', 'function']),
  readCall: (object, list) => {
    if (isJsonObject(object.function_call)) return readNested(object, object.function_call)
    if (isJsonObject(object.function)) {
      return { id: object.id, name: object.function.name, args: object.function.arguments, form: 'chat' }
    }
    const { call_id, id, name } = object
    const isFlat = object.arguments !== undefined || call_id !== undefined || (id !== undefined && name !== undefined)
    if (!isFlat) return undefined
    // `id` names the output item, `call_id` the call; only the latter pairs a result with it.
    return { id: call_id ?? id, name, args: object.arguments, form: list === undefined ? 'responses' : 'chat' }
  },
}

function readNested(outer: Record<string, unknown>, inner: Record<string, unknown>): RawCall {
  const id = inner.call_id ?? outer.call_id ?? inner.id ?? outer.id
  return { id, name: inner.name, args: inner.arguments, form: 'responses' }
}
