import type { Logger } from '../logging/logger.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import type { Connect } from '../transport/transport.ts'
import type { LegacyFallback } from './legacy/legacy-fallback.ts'

/** How an `LLMClient` is made. */
export interface LLMClientOptions {
  /** An LLM key, `atp_llm_…`. */
  apiKey: string
  /** @default 'http://127.0.0.1:4870' */
  baseUrl?: string
  /** One WebSocket for all calls, or one HTTP request for each. @default 'ws' */
  protocol?: 'ws' | 'http'
  /** How long a call waits for a lost connection to come back, in milliseconds. @default 10_000 */
  reconnectTimeoutMs?: number
  /** @default silent */
  logger?: Logger
  /** Where `maxMs` is left out, half of `reconnectTimeoutMs` holds: a waiting call sees at least one attempt. */
  backoff?: BackoffOptions
  /**
   * Whether the WebSocket speaks the founding wire, on `/ws/v1/atp/llm-client/{key}/`: `true` where the server answers
   * 404 to that of protocol 2, `'always'` from the start, `false` never. Only `'always'` has an effect where the platform
   * does not show a refused handshake's status: browsers, workers, Deno. Over HTTP there is one wire for all servers.
   * @default true
   */
  legacyFallback?: LegacyFallback
  /** Opens connections; for tests and for platforms of one's own. @default a WebSocket */
  connect?: Connect
  /** @default the global fetch */
  fetch?: typeof fetch
}

/** Which tools to describe, and for whom. */
export interface ToolkitContextRequest {
  /** A toolkit's id or name. */
  toolkitId: string
  /** `openai` (Responses), `openai-chat`, `anthropic` or `mistralai`. @default 'openai' */
  provider?: string
  /** Echoed in the context, as founded. @default '' */
  userPrompt?: string
  signal?: AbortSignal
}

/** As {@link ToolkitContextRequest}, for the tools of several toolkits. */
export interface ToolkitsContextRequest extends Omit<ToolkitContextRequest, 'toolkitId'> {
  /** Ids or names; the same toolkit twice counts once. */
  toolkits: readonly string[]
}

/** What all ways of running a tool have in common. */
interface RunOptions {
  /** The end user's third-party token, for tools that declare auth. */
  authToken?: string
  /** How long the call may take, in milliseconds. @default what the tool says, else 120_000; at most 600_000 */
  timeoutMs?: number
  /** Cancels the call, also where the tool runs. */
  signal?: AbortSignal
}

/** One call by tool name and arguments. */
export interface CallRequest extends RunOptions {
  toolkitId: string
  tool: string
  params?: Record<string, unknown>
  /** The provider whose context `tool` was taken from: the server maps a name that it shortened for it back. */
  provider?: string
}

/** The calls of an LLM. Give `toolkitId` or `toolkits`, and `toolCalls` or the founding `jsonResponse`. */
export interface CallToolRequest extends RunOptions {
  /** The toolkit whose context the model was given. */
  toolkitId?: string
  /** The toolkits whose merged context the model was given. */
  toolkits?: readonly string[]
  /** What the provider's package or API yielded: calls, content blocks, a message, a whole response. */
  toolCalls?: unknown
  /** One call as object or JSON text, such as `{"function": "hello_world", "parameters": {"name": "Alice"}}`. */
  jsonResponse?: unknown
  /** @default 'openai' */
  provider?: string
  /** Part of the founding form; our servers do not read it. */
  userPrompt?: string
  /** Runs the calls one after the other instead of together. @default false */
  sequential?: boolean
}

/** The toolkit or toolkits of a {@link CallToolRequest}: one of both. */
export type ToolkitChoice = { toolkitId: string; toolkits?: never } | { toolkits: readonly string[]; toolkitId?: never }
