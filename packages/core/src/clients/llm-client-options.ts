import type { WireError } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { CallEnd } from '../protocol/http-bodies.ts'
import type { Tracing } from '../tracing/tracing.ts'
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
  /** Makes a span of each call and sends its context along, such as `openTelemetry()` of `@atp/core/otel`. @default none */
  tracing?: Tracing
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
  /**
   * Two calls of one key and user with the same one are one call, for 24 hours: the second gets the answer of the first.
   * 1 to 255 characters. The client then sends a call whose connection was lost again, twice at most. Where `callTool`
   * is given several calls, each has a key of its own: this one, a colon, and its place, counted from 0.
   */
  idempotencyKey?: string
  /** The end user the call is for, by your own id; at most 512 characters. */
  externalUserId?: string
}

/** One call by tool name and arguments. */
export interface CallRequest extends RunOptions {
  toolkitId: string
  tool: string
  params?: Record<string, unknown>
  /** The provider whose context `tool` was taken from: the server maps a name that it shortened for it back. */
  provider?: string
}

/** Which app to open. */
export interface OpenAppRequest extends Omit<RunOptions, 'idempotencyKey'> {
  toolkitId: string
  /** The app's name. */
  app: string
  params?: Record<string, unknown>
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

/** The calls of a {@link CallToolRequest} as a provider's package or API yielded them. */
export type GivenToolCalls = { toolCalls: unknown; jsonResponse?: never }

/** As {@link GivenToolCalls}, for one call in the founding form. */
export type GivenJsonResponse = { jsonResponse: unknown; toolCalls?: never }

/** Asks for the id of a call instead of its result: the server stores the call before it answers. */
export interface Detached {
  detach: true
}

/** What became of one of several calls that were to be stored. */
export type DetachedCall = {
  /** The provider's id of the call. */
  toolCallId: string
  tool: string
} & (
  | { /** What `getCall` and `waitForCall` take. */ callId: string; error?: never }
  | { /** Why the call was not stored. */ error: WireError; callId?: never }
)

/** Where a stored call is, and how it ended. */
export interface CallState {
  callId: string
  toolkitId: string
  toolkit: string
  tool: string
  status: CallEnd | 'running'
  /** Only where `status` is `succeeded`. */
  result?: unknown
  /** Only where the call ended and did not succeed. */
  error?: WireError | undefined
  startedAt: Date
  endedAt?: Date | undefined
}

/** How long to wait for a call. */
export interface WaitForCallOptions {
  /** In milliseconds, at most 600_000: no call takes longer. @default 600_000 */
  timeoutMs?: number
  /** Ends the waiting; the call goes on. */
  signal?: AbortSignal
}

/** The toolkit or toolkits of a {@link CallToolRequest}: one of both. */
export type ToolkitChoice = { toolkitId: string; toolkits?: never } | { toolkits: readonly string[]; toolkitId?: never }
