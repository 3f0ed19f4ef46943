import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { type DescribedTool, describeTools } from './describe-tools.ts'
import type { ProviderFormat, ProviderSchema, ResultOptions, ToolCallResult } from './provider-format.ts'
import { providerRules } from './provider-rules.ts'
import { type CallReader, readCalls } from './read-calls.ts'
import { resultText } from './result-text.ts'

/** A tool of the Messages API. */
export type AnthropicTool = { name: string; description: string; input_schema: ProviderSchema }

/** A call's result for the Messages API. */
export type AnthropicToolResult = { type: 'tool_result'; tool_use_id: string; content: string; is_error?: true }

/** The one message that holds the results of all calls of a turn. */
export type AnthropicResultMessage = { role: 'user'; content: AnthropicToolResult[] }

const rules = providerRules.anthropic

/** Anthropic's Messages API. All results of a turn go into one user message: the API refuses them spread over several. */
export const anthropicFormat: ProviderFormat<AnthropicTool, AnthropicResultMessage> = {
  name: 'anthropic',
  strict: rules.strict,
  toTools: (tools: readonly ToolDescriptor[]) => describeTools(tools, rules, toAnthropicTool),
  parseToolCalls: (value: unknown) => readCalls(value, anthropicReader),
  // A message without content is refused, so no calls make no message.
  toResultMessages: (
    results: readonly ToolCallResult[],
    { maxResultLength = rules.maxResultLength }: ResultOptions = {},
  ) =>
    results.length === 0
      ? []
      : [{ role: 'user', content: results.map((result) => toToolResult(result, maxResultLength)) }],
}

function toAnthropicTool({ name, description, schema }: DescribedTool): AnthropicTool {
  return { name, description, input_schema: schema }
}

function toToolResult(result: ToolCallResult, maxLength: number): AnthropicToolResult {
  return {
    type: 'tool_result',
    tool_use_id: result.call.id,
    content: resultText(result, maxLength),
    ...(result.outcome.ok ? {} : { is_error: true }),
  }
}

const anthropicReader: CallReader = {
  provider: 'anthropic',
  callTypes: new Set(['tool_use']),
  readCall: (object) => {
    const { type, id, name, input } = object
    const isUntyped = input !== undefined || (id !== undefined && name !== undefined && object.arguments === undefined)
    return type === 'tool_use' || isUntyped ? { id, name, args: input, form: 'anthropic' } : undefined
  },
}
