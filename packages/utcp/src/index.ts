// Every line is public API: adding one is a decision.

export { type LeftOutTool, ManualBridge, type ManualBridgeOptions } from './bridge/manual-bridge.ts'
export { type ToolkitFromManualOptions, toolkitFromManual } from './bridge/toolkit-from-manual.ts'
export type { UtcpClientOptions } from './client/client-options.ts'
export type { UtcpClientEvents } from './client/client-parts.ts'
export type { RefreshManualResult } from './client/manual-registrar.ts'
export type { CallOptions } from './client/tool-caller.ts'
export type { ToolDifferences } from './client/tool-differences.ts'
export { UtcpClient } from './client/utcp-client.ts'
export type { PluginConfig, UtcpClientConfig } from './config/client-config.ts'
export { parseText, type TextFormat } from './config/parse-text.ts'
export type { PluginContext, PluginType } from './config/plugin-type.ts'
export type { PluginTypes } from './config/read-config.ts'
export { type UtcpErrorCode, utcpErrorCodes } from './errors/codes.ts'
export {
  isUtcpError,
  UtcpError,
  type UtcpErrorOptions,
  UtcpProtocolCloseError,
  UtcpUnknownCallTemplateTypeError,
  UtcpValidationError,
  UtcpVariableNotFound,
} from './errors/utcp-error.ts'
export type { RetryOptions } from './execution/retry.ts'
export type {
  CliCallTemplate,
  CliCommand,
  DirectCallTemplate,
  FileCallTemplate,
  GraphqlCallTemplate,
  HttpCallTemplate,
  McpCallTemplate,
  McpServerEntry,
  SseCallTemplate,
  StreamableHttpCallTemplate,
  TcpCallTemplate,
  TextCallTemplate,
  UdpCallTemplate,
  WebSocketCallTemplate,
} from './model/call-templates.ts'
export {
  type CreateManualOptions,
  createManual,
  type ToolInput,
  type UtcpToolSource,
} from './model/create-manual.ts'
export { type Migrated, migrateDocument, migrateManual } from './model/migrate.ts'
export {
  type ApiKeyAuth,
  type Auth,
  type BasicAuth,
  type CallTemplate,
  type OAuth2Auth,
  type OAuth2UserAuth,
  type RegisterManualResult,
  type Tool,
  type UtcpManual,
  type UtcpWarning,
  utcpVersion,
} from './model/models.ts'
export { type ReadManual, type ReadManualOptions, readManual } from './model/read-manual.ts'
export { type AuthParser, type CallTemplateParser, TemplateReader } from './model/template-reader.ts'
export { type WriteManualOptions, type WrittenManual, writeManual } from './model/write-manual.ts'
export { type FilterDictOptions, filterDict } from './processing/filter-dict.ts'
export { type LimitStringsOptions, limitStrings } from './processing/limit-strings.ts'
export type { ResultScope } from './processing/result-scope.ts'
export type { ToolPostProcessor } from './processing/tool-post-processor.ts'
export type {
  CallContext,
  CommunicationProtocol,
  DiscoveryContext,
  ManualDiscovery,
  ManualValidators,
  ProtocolFactory,
  ToolArguments,
  UtcpCaller,
} from './protocol/communication-protocol.ts'
export { InMemToolRepository } from './repository/in-memory-repository.ts'
export type { ConcurrentToolRepository, ToolChanges } from './repository/tool-repository.ts'
export { type Bm25Options, Bm25Strategy } from './search/bm25-search.ts'
export { TagAndDescriptionWordMatchStrategy, type TagSearchOptions } from './search/tag-search.ts'
export type { ToolSearchStrategy } from './search/tool-search-strategy.ts'
export { type UtcpHandler, type UtcpToolOptions, utcpTool } from './serve/utcp-tool.ts'
export { DefaultVariableSubstitutor } from './variables/default-substitutor.ts'
export { environmentLoader } from './variables/environment-loader.ts'
export type { VariableLoader, VariableSources, VariableSubstitutor } from './variables/variable-substitutor.ts'
