// The wire of ATP for those who build servers and peers; users of tools and clients need the root entry only.

export { Emitter } from './clients/emitter.ts'
export { type ServerEvent, ServerEventReader } from './clients/server-event-reader.ts'
export { checkCall } from './dispatch/check-call.ts'
export { defaultTimeoutMs, effectiveTimeoutMs } from './dispatch/invoke-tool.ts'
export { maxResultBytes } from './dispatch/serialize-result.ts'
export { errorText } from './errors/to-wire-error.ts'
export { closeCodes } from './protocol/close-codes.ts'
export {
  type Decoded,
  decodeFromLlm,
  decodeFromToolkit,
  decodeToLlm,
  decodeToToolkit,
  encodeFrame,
  encodeResult,
  errorFrame,
} from './protocol/codec.ts'
export type {
  AppEvent,
  ChunkFrame,
  ContextRequestFrame,
  FromLlmFrame,
  FromToolkitFrame,
  HelloFrame,
  LlmCallFrame,
  ProgressFrame,
  RegisterFrame,
  ResultFrame,
  ToLlmFrame,
  ToToolkitFrame,
  UnregisterFrame,
  WelcomeFrame,
} from './protocol/frames.ts'
export { toWireContext } from './protocol/http-bodies.ts'
export { checkJsonShape, isJsonObject, parseJson } from './protocol/json.ts'
export { checkAppName, checkToolName, isAppName, maxAppNameLength } from './protocol/names.ts'
export { firstIssues, fromWireTool, toWireTool, type WireTool } from './protocol/tool-descriptor.ts'
export { providerFormat } from './providers/provider-by-name.ts'
export type { FormattedTools, ProviderFormat } from './providers/provider-format.ts'
export { sha256Hex, stableJson, toolkitHash } from './tool/fingerprint.ts'
export { type CompiledSchema, type CompileOptions, compileSchema } from './tool/json-schema.ts'
export type { CompilePattern, LinearPattern } from './tool/schema-run.ts'
export { backoffDelayMs } from './transport/backoff.ts'
