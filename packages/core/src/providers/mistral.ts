import { isJsonObject } from '../protocol/json.ts'
import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { type DescribedTool, describeTools } from './describe-tools.ts'
import { newMistralCallId } from './mistral-call-ids.ts'
import type { ProviderFormat, ProviderSchema, ResultOptions, ToolCallResult } from './provider-format.ts'
import { providerRules } from './provider-rules.ts'
import { type CallReader, readCalls } from './read-calls.ts'
import { resultText } from './result-text.ts'

/** A tool of Mistral's chat API. */
export type MistralTool = {
  type: 'function'
  function: { name: string; description: string; parameters: ProviderSchema }
}

/**
 * A call's result for Mistral's chat API. `tool_call_id` is what the API reads, `toolCallId` what the official package
 * reads and sends as the former.
 */
export type MistralToolMessage = {
  role: 'tool'
  name: string
  content: string
  tool_call_id: string
  toolCallId: string
}

const rules = providerRules.mistralai

/**
 * Mistral's chat API. The result messages go to the official package or straight to the API as they are. Unless the
 * calls came as the package's own message or response (`toolCalls`), `toolCallId` is hidden from JSON and from
 * copies such as `{...message}`.
 */
export const mistralFormat: ProviderFormat<MistralTool, MistralToolMessage> = {
  name: 'mistralai',
  strict: rules.strict,
  toTools: (tools: readonly ToolDescriptor[]) => describeTools(tools, rules, toMistralTool),
  parseToolCalls: (value: unknown) => readCalls(value, mistralReader),
  toResultMessages: (
    results: readonly ToolCallResult[],
    { maxResultLength = rules.maxResultLength }: ResultOptions = {},
  ) => results.map((result) => toToolMessage(result, maxResultLength)),
}

function toMistralTool({ name, description, schema }: DescribedTool): MistralTool {
  return { type: 'function', function: { name, description, parameters: schema } }
}

function toToolMessage(result: ToolCallResult, maxLength: number): MistralToolMessage {
  const { id, name, form } = result.call
  const message = { role: 'tool' as const, name, content: resultText(result, maxLength), tool_call_id: id }
  // A bare list of calls looks the same from the package and from the API. The package drops members it does not know,
  // but the API refuses them (422 extra_forbidden): so what only the package reads must not show up in JSON.
  const enumerable = form === 'mistral-sdk'
  return Object.defineProperty(message as MistralToolMessage, 'toolCallId', { value: id, enumerable, writable: true })
}

const mistralReader: CallReader = {
  provider: 'mistralai',
  newId: newMistralCallId,
  // The API has also written the text "null" where it means a function.
  callTypes: new Set(['function', 'null']),
  readCall: (object, list) => {
    const form = list === 'toolCalls' ? 'mistral-sdk' : 'mistral'
    const { id, name } = object
    if (isJsonObject(object.function)) {
      return { id, name: object.function.name, args: object.function.arguments, form }
    }
    const isFlat = object.arguments !== undefined || (id !== undefined && name !== undefined)
    return isFlat ? { id, name, args: object.arguments, form } : undefined
  },
}
