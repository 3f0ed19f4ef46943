// The provider formats for those who describe tools to a model or read its calls without a server in between.
export { type AnthropicResultMessage, type AnthropicTool, anthropicFormat } from './providers/anthropic.ts'
export { type CheckedTool, checkTool, checkTools, type ToolCheck } from './providers/check-tool.ts'
export type { ToolRefusal } from './providers/lower-tool.ts'
export type { ChangeCode, ToolChange } from './providers/lowering/lowering-context.ts'
export type { RefusalCode } from './providers/lowering/lowering-refusal.ts'
export { type MistralTool, type MistralToolMessage, mistralFormat } from './providers/mistral.ts'
export { MistralCallIds } from './providers/mistral-call-ids.ts'
export {
  type ChatTool,
  type ChatToolMessage,
  openaiChatFormat,
  openaiChatStrictFormat,
  openaiFormat,
  openaiStrictFormat,
  type ResponsesOutput,
  type ResponsesTool,
  toChatCompletionsTools,
} from './providers/openai.ts'
export { providerFormat } from './providers/provider-by-name.ts'
export type {
  FormattedTools,
  ParsedToolCall,
  ProviderFormat,
  ProviderName,
  ProviderSchema,
  ResultOptions,
  ToolCallForm,
  ToolCallResult,
  ToolWarning,
} from './providers/provider-format.ts'
