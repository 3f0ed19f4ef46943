/// <reference lib="esnext.disposable" preserve="true" />
import { AtpError } from '../errors/atp-error.ts'
import { silentLogger } from '../logging/logger.ts'
import type { ToolkitContext } from '../protocol/http-bodies.ts'
import { providerFormat } from '../providers/provider-by-name.ts'
import type { ParsedToolCall, ProviderName } from '../providers/provider-format.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import { defaultBaseUrl, readBaseUrl } from './base-url.ts'
import { checkApiKey, checkLegacyFallback, checkWaitMs } from './check-options.ts'
import { createHttpLlmDoor } from './http-llm-door.ts'
import type {
  CallRequest,
  CallToolRequest,
  LLMClientOptions,
  ToolkitChoice,
  ToolkitContextRequest,
  ToolkitsContextRequest,
} from './llm-client-options.ts'
import type { LlmDoor } from './llm-door.ts'
import type { ToolkitsContext } from './merge-contexts.ts'
import { type RunToolCalls, runToolCalls } from './run-tool-calls.ts'
import { createSocketLlmDoor } from './socket-llm-door.ts'
import type { DeveloperProfile, ToolkitDetails, ToolkitPage } from './store-bodies.ts'
import { type PageRequest, StoreClient } from './store-client.ts'
import { ToolkitContexts } from './toolkit-contexts.ts'

export type {
  CallRequest,
  CallToolRequest,
  LLMClientOptions,
  ToolkitChoice,
  ToolkitContextRequest,
  ToolkitsContextRequest,
} from './llm-client-options.ts'

/** Fetches the tools of toolkits for an LLM, and turns its tool calls into results. */
export class LLMClient {
  readonly #door: LlmDoor
  readonly #store: StoreClient
  readonly #contexts: ToolkitContexts

  /** @throws AtpError `invalid_config` or `unsupported` */
  constructor(options: LLMClientOptions) {
    checkApiKey(options.apiKey)
    checkWaitMs('reconnectTimeoutMs', options.reconnectTimeoutMs)
    checkLegacyFallback(options.legacyFallback)
    const { apiKey } = options
    const baseUrl = readBaseUrl(options.baseUrl ?? defaultBaseUrl)
    const http = { baseUrl: baseUrl.http, apiKey, fetch: options.fetch ?? fetch }
    this.#door = createDoor(options, baseUrl.ws, http)
    this.#store = new StoreClient(http)
    this.#contexts = new ToolkitContexts(this.#door)
  }

  /**
   * The tools of a toolkit in a provider's format: pass `tools` to the provider as it is. With `toolkits` those of
   * several, each named `<toolkit>__<tool>`; a toolkit that cannot be had is a warning unless all fail.
   * @throws AtpError `toolkit_not_found`, `unknown_provider`, `unauthorized`, `connection_failed`, …
   */
  getToolkitContext(request: ToolkitContextRequest): Promise<ToolkitContext>
  getToolkitContext(request: ToolkitsContextRequest): Promise<ToolkitsContext>
  async getToolkitContext(
    request: ToolkitContextRequest | ToolkitsContextRequest,
  ): Promise<ToolkitContext | ToolkitsContext> {
    const { userPrompt = '', signal } = request
    const provider = providerFormat(request.provider ?? 'openai').name
    if (hasToolkits(request)) {
      return this.#contexts.get({ toolkits: request.toolkits, provider, userPrompt, signal })
    }
    return this.#door.context({ toolkitId: request.toolkitId, provider, userPrompt, signal })
  }

  /**
   * Runs one tool and returns its result.
   * @throws AtpError what the call failed with: `tool_error`, `invalid_params`, `deadline_exceeded`, …
   */
  async call(request: CallRequest): Promise<unknown> {
    const { params = {}, provider } = request
    const timeoutMs = readTimeout(request.timeoutMs)
    return this.#door.call({ ...request, params, timeoutMs, provider, userPrompt: undefined })
  }

  /**
   * Runs an LLM's tool calls, together unless `sequential`. With `toolCalls` it returns the provider's messages with
   * one result for each call, in order: append them to the conversation. With `jsonResponse` it returns `{ result }`.
   * A call that fails becomes an error result for the model. Give `toolkits` as they were given to `getToolkitContext`:
   * each call goes to the toolkit that its name stands for.
   * @throws AtpError when no call can run at all: `unknown_provider`, `invalid_request`, `unauthorized`, `forbidden`,
   * `connection_failed`, `connection_closed`, `client_stopped`; `cancelled` when `signal` aborts; with `toolkits` also
   * what their contexts fail with where the client has to ask for them.
   */
  callTool(
    request: CallToolRequest & ToolkitChoice & { jsonResponse: unknown; toolCalls?: never },
  ): Promise<{ result: unknown }>
  callTool(
    request: CallToolRequest & ToolkitChoice & { toolCalls: unknown; jsonResponse?: never },
  ): Promise<Record<string, unknown>[]>
  async callTool(request: CallToolRequest): Promise<{ result: unknown } | Record<string, unknown>[]> {
    const { authToken, signal, userPrompt, sequential = false } = request
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
    const options = { provider: format.name, userPrompt, authToken, timeoutMs, signal }
    const route = await this.#route(request, format.name, calls)
    const results = await runToolCalls(calls, { door: this.#door, options, sequential, route })
    if (!single) return format.toResultMessages(results)
    const outcome = results[0]?.outcome
    return { result: outcome?.ok ? outcome.result : { error: outcome?.error.message } }
  }

  /**
   * A page of the toolkits that this server's developers publish.
   * @throws AtpError `unauthorized`, `rate_limited` with `details.retryAfterMs`, `connection_failed`, …
   */
  listStoreToolkits(request: PageRequest = {}): Promise<ToolkitPage> {
    return this.#store.list('store/toolkits/list/', request)
  }

  /** A page of the toolkits of the key's own project. @throws AtpError as `listStoreToolkits` */
  listMyToolkits(request: PageRequest = {}): Promise<ToolkitPage> {
    return this.#store.list('developers/toolkits/', request)
  }

  /**
   * A toolkit with its tools, by id, by name or as `@developer/slug`.
   * @throws AtpError `toolkit_not_found`, else as `listStoreToolkits`
   */
  getToolkitDetails(id: string, options: { signal?: AbortSignal } = {}): Promise<ToolkitDetails> {
    return this.#store.toolkit(id, options.signal)
  }

  /** A developer and the toolkits of theirs that others see. @throws AtpError `not_found`, else as `listStoreToolkits` */
  getDeveloperProfile(displayName: string, options: { signal?: AbortSignal } = {}): Promise<DeveloperProfile> {
    return this.#store.developer(displayName, options.signal)
  }

  /** Closes the connection; requests under way are rejected. The next one connects again. */
  async close(): Promise<void> {
    this.#store.close()
    await this.#door.close()
  }

  /** Closes the client at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @throws AtpError `invalid_request` unless there is one of `toolkitId` and `toolkits` */
  async #route(
    request: CallToolRequest,
    provider: ProviderName,
    calls: readonly ParsedToolCall[],
  ): Promise<RunToolCalls['route']> {
    const { toolkitId, toolkits, signal } = request
    if ((toolkitId === undefined) === (toolkits === undefined)) {
      throw new AtpError('invalid_request', 'callTool needs toolkitId or toolkits, and only one of them')
    }
    if (toolkitId !== undefined) return (tool) => ({ toolkitId, tool })
    const names = calls.filter(({ args }) => args !== undefined).map(({ name }) => name)
    const question = { toolkits: toolkits ?? [], provider, userPrompt: request.userPrompt ?? '', signal }
    const routes = await this.#contexts.routes(question, names)
    return (name) => routes.get(name)
  }
}

function createDoor(
  options: LLMClientOptions,
  socketUrl: string,
  http: { baseUrl: string; apiKey: string; fetch: typeof fetch },
): LlmDoor {
  const { apiKey, protocol = 'ws', logger = silentLogger } = options
  if (protocol === 'http') return createHttpLlmDoor(http)
  if (protocol !== 'ws') {
    throw new AtpError('unsupported', `LLMClient protocol "${String(protocol)}" is unknown; use "ws" or "http"`)
  }
  return createSocketLlmDoor({
    baseUrl: socketUrl,
    apiKey,
    logger,
    reconnectTimeoutMs: options.reconnectTimeoutMs ?? 10_000,
    backoff: options.backoff ?? {},
    connect: options.connect,
    legacyFallback: options.legacyFallback ?? true,
  })
}

/** @throws AtpError `invalid_request` unless there is one of `toolkitId` and `toolkits` */
function hasToolkits(request: ToolkitContextRequest | ToolkitsContextRequest): request is ToolkitsContextRequest {
  const { toolkitId, toolkits } = request as Partial<ToolkitContextRequest & ToolkitsContextRequest>
  if ((toolkitId === undefined) === (toolkits === undefined)) {
    throw new AtpError('invalid_request', 'getToolkitContext needs toolkitId or toolkits, and only one of them')
  }
  return toolkits !== undefined
}

/** JSON has no word for NaN and Infinity: the server would not see what was asked for. */
function readTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return undefined
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return Math.min(timeoutMs, maxTimeoutMs)
  throw new AtpError('invalid_request', 'timeoutMs must be a number of milliseconds above 0')
}
