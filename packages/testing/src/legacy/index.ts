export {
  type FoundingServer,
  type FoundingServerOptions,
  startFoundingServer,
} from './founding/founding-server.ts'
export { FoundingState } from './founding/founding-state.ts'
export { compareFrame, expectFrame, fillFrame, frameNames, type Slots } from './frames.ts'
export { LegacyBreak, LegacyRefusal } from './legacy-break.ts'
export { type LegacyFrames, type LegacyFuzzTarget, legacyFrames } from './legacy-frames.ts'
export { LegacyLlm, type LegacyLlmOptions } from './llm/legacy-llm.ts'
export type { LegacyCallRequest, LegacyContextRequest, LegacyOutcome } from './llm/llm-messages.ts'
export { pythonJson } from './python-json.ts'
export { generationOf, llmSocketPath, type SdkVersion, sdkVersions, toolkitSocketPath } from './sdk-version.ts'
export { describeLegacyWire, type LegacyDeviations, legacySentences } from './suite/describe-legacy-wire.ts'
export type { LegacyHub, LegacyHubOptions, StartLegacyHub } from './suite/legacy-hub.ts'
export { codeHash, type LegacyAuth, type LegacyTool, sourceOf, toolkitHash } from './toolkit/legacy-tool.ts'
export { LegacyToolkit, type LegacyToolkitOptions } from './toolkit/legacy-toolkit.ts'
export { openWireSocket, type WireFrame, type WireSocket, type WireSocketOptions } from './wire-socket.ts'
