/// <reference lib="esnext.disposable" preserve="true" />
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import { type Logger, silentLogger } from '../logging/logger.ts'
import type { ToolkitContext } from '../protocol/http-bodies.ts'
import { providerFormat } from '../providers/provider-by-name.ts'
import type { ParsedToolCall, ToolCallResult } from '../providers/provider-format.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import type { Connect } from '../transport/transport.ts'
import { defaultBaseUrl, readBaseUrl } from './base-url.ts'
import { checkApiKey, checkWaitMs } from './check-options.ts'
import { createHttpLlmDoor } from './http-llm-door.ts'
import type { LlmDoor } from './llm-door.ts'
import { createSocketLlmDoor } from './socket-llm-door.ts'

/** How an {@link LLMClient} is made. */
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

/** What all ways of running a tool have in common. */
interface RunOptions {
  toolkitId: string
  /** The end user's third-party token, for tools that declare auth. */
  authToken?: string
  /** How long the call may take, in milliseconds. @default what the tool says, else 120_000; at most 600_000 */
  timeoutMs?: number
  /** Cancels the call, also where the tool runs. */
  signal?: AbortSignal
}

/** One call by tool name and arguments. */
export interface CallRequest extends RunOptions {
  tool: string
  params?: Record<string, unknown>
}

/** The calls of an LLM. Give `toolCalls`, or the founding `jsonResponse`. */
export interface CallToolRequest extends RunOptions {
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

type CheckedRequest = Omit<CallToolRequest, 'timeoutMs'> & { timeoutMs: number | undefined }

/** Fetches the tools of toolkits for an LLM, and turns its tool calls into results. */
export class LLMClient {
  readonly #door: LlmDoor

  /** @throws AtpError `invalid_config` or `unsupported` */
  constructor(options: LLMClientOptions) {
    checkApiKey(options.apiKey)
    checkWaitMs('reconnectTimeoutMs', options.reconnectTimeoutMs)
    const { apiKey, protocol = 'ws', logger = silentLogger } = options
    const baseUrl = readBaseUrl(options.baseUrl ?? defaultBaseUrl)
    if (protocol === 'http') {
      this.#door = createHttpLlmDoor({ baseUrl: baseUrl.http, apiKey, fetch: options.fetch ?? fetch })
    } else if (protocol === 'ws') {
      this.#door = createSocketLlmDoor({
        baseUrl: baseUrl.ws,
        apiKey,
        logger,
        reconnectTimeoutMs: options.reconnectTimeoutMs ?? 10_000,
        backoff: options.backoff ?? {},
        connect: options.connect,
      })
    } else {
      throw new AtpError('unsupported', `LLMClient protocol "${String(protocol)}" is unknown; use "ws" or "http"`)
    }
  }

  /**
   * The tools of a toolkit in a provider's format: pass `tools` to the provider as it is.
   * @throws AtpError `toolkit_not_found`, `unknown_provider`, `unauthorized`, `connection_failed`, …
   */
  async getToolkitContext(request: ToolkitContextRequest): Promise<ToolkitContext> {
    const { toolkitId, provider = 'openai', userPrompt = '', signal } = request
    return this.#door.context({ toolkitId, provider: providerFormat(provider).name, userPrompt, signal })
  }

  /**
   * Runs one tool and returns its result.
   * @throws AtpError what the call failed with: `tool_error`, `invalid_params`, `deadline_exceeded`, …
   */
  async call(request: CallRequest): Promise<unknown> {
    const { params = {} } = request
    const timeoutMs = readTimeout(request.timeoutMs)
    return this.#door.call({ ...request, params, timeoutMs, provider: undefined, userPrompt: undefined })
  }

  /**
   * Runs an LLM's tool calls, together unless `sequential`. With `toolCalls` it returns the provider's messages with
   * one result for each call, in order: append them to the conversation. With `jsonResponse` it returns `{ result }`.
   * A call that fails becomes an error result for the model.
   * @throws AtpError when no call can run at all: `unknown_provider`, `invalid_request`, `unauthorized`, `forbidden`,
   * `connection_failed`, `connection_closed`, `client_stopped`; `cancelled` when `signal` aborts.
   */
  callTool(request: CallToolRequest & { jsonResponse: unknown; toolCalls?: never }): Promise<{ result: unknown }>
  callTool(request: CallToolRequest & { toolCalls: unknown; jsonResponse?: never }): Promise<Record<string, unknown>[]>
  async callTool(request: CallToolRequest): Promise<{ result: unknown } | Record<string, unknown>[]> {
    const timeoutMs = readTimeout(request.timeoutMs)
    const format = providerFormat(request.provider ?? 'openai')
    const single = request.jsonResponse !== undefined
    if (single === (request.toolCalls !== undefined)) {
      throw new AtpError('invalid_request', 'callTool needs toolCalls or jsonResponse, and only one of them')
    }
    const calls = format.parseToolCalls(single ? request.jsonResponse : request.toolCalls)
    if (single && calls.length !== 1) {
      throw new AtpError('invalid_request', `jsonResponse must hold one call, not ${calls.length}; use toolCalls`)
    }
    const results = await this.#runAll(calls, { ...request, timeoutMs }, format.name)
    if (!single) return format.toResultMessages(results)
    const outcome = results[0]?.outcome
    return { result: outcome?.ok ? outcome.result : { error: outcome?.error.message } }
  }

  /** Closes the connection; calls under way are rejected. The next call connects again. */
  async close(): Promise<void> {
    await this.#door.close()
  }

  /** Closes the client at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #runAll(calls: ParsedToolCall[], request: CheckedRequest, provider: string): Promise<ToolCallResult[]> {
    const run = (call: ParsedToolCall): Promise<ToolCallResult> => this.#runOne(call, request, provider)
    if (!request.sequential) return Promise.all(calls.map(run))
    const results: ToolCallResult[] = []
    for (const call of calls) results.push(await run(call))
    return results
  }

  async #runOne(call: ParsedToolCall, request: CheckedRequest, provider: string): Promise<ToolCallResult> {
    if (call.args === undefined) {
      const message = call.error ?? 'The arguments of this call could not be read'
      return { call, outcome: { ok: false, error: { code: 'invalid_params', message, retryable: false } } }
    }
    const { toolkitId, authToken, timeoutMs, signal, userPrompt } = request
    try {
      const options = { toolkitId, authToken, timeoutMs, signal, userPrompt, provider }
      const result = await this.#door.call({ ...options, tool: call.name, params: call.args })
      return { call, outcome: { ok: true, result } }
    } catch (error) {
      // The model can react to a failed tool, but not to a key that is refused or a server that is gone.
      if (!isAtpError(error) || callerCodes.has(error.code)) throw error
      return { call, outcome: { ok: false, error: toWireError(error) } }
    }
  }
}

/** JSON has no word for NaN and Infinity: the server would not see what was asked for. */
function readTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return undefined
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return Math.min(timeoutMs, maxTimeoutMs)
  throw new AtpError('invalid_request', 'timeoutMs must be a number of milliseconds above 0')
}

const callerCodes = new Set<string>([
  'unauthorized',
  'forbidden',
  'connection_failed',
  'connection_closed',
  'client_stopped',
  'protocol_error',
  'unknown_provider',
  'cancelled',
])
