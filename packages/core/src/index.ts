// Every line is public API: adding one is a decision.
export type { AppDefinition, AppHandlers, AppSessionInfo, AppStep } from './apps/define-app.ts'
export { defineApp } from './apps/define-app.ts'
export type { UiContent, UiNode } from './apps/ui-node.ts'
export type { AppSession, AppStepOptions } from './clients/app-session.ts'
export { defaultBaseUrl } from './clients/base-url.ts'
export type { ConnectionState } from './clients/connection.ts'
export type { LegacyFallback } from './clients/legacy/legacy-fallback.ts'
export {
  type CallPart,
  type CallRequest,
  type CallState,
  type CallToolRequest,
  type DetachedCall,
  LLMClient,
  type LLMClientOptions,
  type OpenAppRequest,
  type PartIterator,
  type PartialPart,
  type PartOrigin,
  type ResultMessage,
  type ToolCallPart,
  type ToolkitChoice,
  type ToolkitContextRequest,
  type ToolkitsContextRequest,
  type WaitForCallOptions,
} from './clients/llm-client.ts'
export type { ToolkitsContext, ToolRoute } from './clients/merge-contexts.ts'
export type {
  DeveloperProfile,
  ListedToolkit,
  StoreTool,
  ToolkitDetails,
  ToolkitPage,
} from './clients/store-bodies.ts'
export type { PageRequest } from './clients/store-client.ts'
export { ToolKitClient, type ToolKitClientEvents, type ToolKitClientOptions } from './clients/toolkit-client.ts'
export { type InvokeOptions, type InvokeOutcome, invokeTool } from './dispatch/invoke-tool.ts'
export { AtpError, type AtpErrorOptions, isAtpError, ToolError } from './errors/atp-error.ts'
export { type ErrorCode, errorCodes, isErrorCode } from './errors/codes.ts'
export { toWireError, type WireError } from './errors/to-wire-error.ts'
export { createFetchHandler, type FetchHandler, type FetchHandlerOptions } from './http/fetch-handler.ts'
export type { AtpHttpOptions, Authorize, ToolkitSource } from './http/http-options.ts'
export { isSignedCall } from './http/signed-call.ts'
export { type Logger, silentLogger } from './logging/logger.ts'
export type { ToolkitContext } from './protocol/http-bodies.ts'
export type { JsonObject, JsonValue } from './protocol/json.ts'
export type { JsonSchema } from './protocol/schema-limits.ts'
export type { ToolAnnotations, ToolAuth, ToolDescriptor } from './protocol/tool-descriptor.ts'
export { type AnthropicResultMessage, type AnthropicTool, anthropicFormat } from './providers/anthropic.ts'
export { type MistralTool, type MistralToolMessage, mistralFormat } from './providers/mistral.ts'
export {
  type ChatTool,
  type ChatToolMessage,
  openaiChatFormat,
  openaiFormat,
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
  ToolCallResult,
} from './providers/provider-format.ts'
export { Toolkit, type ToolkitOptions } from './registry/toolkit.ts'
export { createRegistry, type ToolkitRegistry } from './registry/toolkit-registry.ts'
export { defineTool } from './tool/define-tool.ts'
export type { ParamsForm, Principal, Tool, ToolContext, ToolDefinition, ToolHandler } from './tool/tool.ts'
export type { CallSpan, SpanPlace, TracedCall, Tracing } from './tracing/tracing.ts'
