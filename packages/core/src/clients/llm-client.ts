/// <reference lib="esnext.disposable" preserve="true" />
import { AtpError } from '../errors/atp-error.ts'
import { silentLogger } from '../logging/logger.ts'
import type { ToolkitContext } from '../protocol/http-bodies.ts'
import { providerFormat } from '../providers/provider-by-name.ts'
import type { AppSession } from './app-session.ts'
import { defaultBaseUrl, readBaseUrl } from './base-url.ts'
import type { CallPart, FoundingResult, PartIterator, ResultMessage, ToolCallPart } from './call-parts.ts'
import { checkApiKey, checkLegacyFallback, checkWaitMs } from './check-options.ts'
import { createHttpLlmDoor } from './http-llm-door.ts'
import { LlmCalls } from './llm-calls.ts'
import type {
  CallRequest,
  CallState,
  CallToolRequest,
  Detached,
  DetachedCall,
  GivenJsonResponse,
  GivenToolCalls,
  LLMClientOptions,
  OpenAppRequest,
  ToolkitChoice,
  ToolkitContextRequest,
  ToolkitsContextRequest,
  WaitForCallOptions,
} from './llm-client-options.ts'
import type { LlmDoor } from './llm-door.ts'
import type { ToolkitsContext } from './merge-contexts.ts'
import { createRetryingLlmDoor } from './retrying-llm-door.ts'
import { createSocketLlmDoor } from './socket-llm-door.ts'
import type { DeveloperProfile, ToolkitDetails, ToolkitPage } from './store-bodies.ts'
import { type PageRequest, StoreClient } from './store-client.ts'
import { StoredCalls } from './stored-calls.ts'
import { ToolkitContexts } from './toolkit-contexts.ts'
import { createTracedLlmDoor } from './traced-llm-door.ts'

export type { CallPart, PartIterator, PartialPart, PartOrigin, ResultMessage, ToolCallPart } from './call-parts.ts'
export type {
  CallRequest,
  CallState,
  CallToolRequest,
  DetachedCall,
  LLMClientOptions,
  OpenAppRequest,
  ToolkitChoice,
  ToolkitContextRequest,
  ToolkitsContextRequest,
  WaitForCallOptions,
} from './llm-client-options.ts'

/** Fetches the tools of toolkits for an LLM, and turns its tool calls into results. */
export class LLMClient {
  readonly #door: LlmDoor
  readonly #store: StoreClient
  readonly #stored: StoredCalls
  readonly #contexts: ToolkitContexts
  readonly #calls: LlmCalls

  /** @throws AtpError `invalid_config` or `unsupported` */
  constructor(options: LLMClientOptions) {
    checkApiKey(options.apiKey)
    checkWaitMs('reconnectTimeoutMs', options.reconnectTimeoutMs)
    checkLegacyFallback(options.legacyFallback)
    const { apiKey } = options
    const baseUrl = readBaseUrl(options.baseUrl ?? defaultBaseUrl)
    const http = { baseUrl: baseUrl.http, apiKey, fetch: options.fetch ?? fetch }
    const { backoff = {} } = options
    this.#store = new StoreClient(http)
    this.#stored = new StoredCalls({ ...http, backoff })
    const door = createRetryingLlmDoor(createDoor(options, baseUrl.ws, { ...http, calls: this.#stored }), backoff)
    this.#door = options.tracing ? createTracedLlmDoor(door, options.tracing, options.logger) : door
    this.#contexts = new ToolkitContexts(this.#door)
    this.#calls = new LlmCalls(this.#door, this.#contexts)
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
   * Runs one tool and returns its result. With `detach: true` the server stores the call, and its id is returned at once.
   * @throws AtpError what the call failed with: `tool_error`, `invalid_params`, `deadline_exceeded`, …; with `detach`
   * why it was not stored: `unsupported`, `queue_full`, …
   */
  call(request: CallRequest & Detached): Promise<{ callId: string }>
  call(request: CallRequest & { detach?: false }): Promise<unknown>
  call(request: CallRequest & { detach?: boolean }): Promise<unknown> {
    return this.#calls.call(request)
  }

  /**
   * Runs one tool and yields what it tells meanwhile, its result last. Nothing runs before the iteration begins; ending
   * it early cancels the call. The iteration throws what `call` throws, also `protocol_error` when a chunk is missing and
   * `result_too_large` when 4 MiB of chunks wait for their reader.
   */
  callStreaming(request: CallRequest): PartIterator<CallPart> {
    return this.#calls.callStreaming(request)
  }

  /**
   * Runs an LLM's tool calls, together unless `sequential`. With `toolCalls` it returns the provider's messages with
   * one result for each call, in order: append them to the conversation. With `jsonResponse` it returns `{ result }`.
   * A call that fails becomes an error result for the model. Give `toolkits` as they were given to `getToolkitContext`:
   * each call goes to the toolkit that its name stands for. With `detach: true` the server stores the calls, and their
   * ids are returned at once, or why one was not stored.
   * @throws AtpError when no call can run at all: `unknown_provider`, `invalid_request`, `unsupported`, `unauthorized`,
   * `forbidden`, `connection_failed`, `connection_closed`, `client_stopped`, `idempotency_mismatch`,
   * `idempotency_in_progress`; `cancelled` when `signal` aborts; with `toolkits` also what their contexts fail with where
   * the client has to ask for them.
   */
  callTool(
    request: CallToolRequest & ToolkitChoice & (GivenToolCalls | GivenJsonResponse) & Detached,
  ): Promise<DetachedCall[]>
  callTool(
    request: CallToolRequest & ToolkitChoice & GivenJsonResponse & { detach?: false },
  ): Promise<{ result: unknown }>
  callTool(
    request: CallToolRequest & ToolkitChoice & GivenToolCalls & { detach?: false },
  ): Promise<Record<string, unknown>[]>
  async callTool(
    request: CallToolRequest & { detach?: boolean },
  ): Promise<{ result: unknown } | Record<string, unknown>[] | DetachedCall[]> {
    return request.detach === true ? this.#calls.detachedCallTool(request) : this.#calls.callTool(request)
  }

  /**
   * Runs an LLM's tool calls as `callTool` does, and yields what arrives of each as it arrives. Each call ends in one part
   * of type `result`, a failed one too. Nothing runs before the iteration begins; ending it early cancels what is under
   * way. The iteration throws what `callTool` throws.
   */
  callToolStreaming(
    request: CallToolRequest & ToolkitChoice & GivenJsonResponse,
  ): PartIterator<ToolCallPart<{ result: unknown }>>
  callToolStreaming(request: CallToolRequest & ToolkitChoice & GivenToolCalls): PartIterator<ToolCallPart>
  callToolStreaming(request: CallToolRequest): PartIterator<ToolCallPart<ResultMessage | FoundingResult>> {
    return this.#calls.callToolStreaming(request)
  }

  /**
   * Opens a session of an app, which lasts until it is closed, ended by the app, or not used for as long as the app says.
   * The options hold for each of its steps, but `signal`, which cancels the opening.
   * @throws AtpError `unsupported` for a tool that is no app, and what the app failed with
   */
  openApp(request: OpenAppRequest): Promise<AppSession> {
    return this.#calls.openApp(request)
  }

  /**
   * A call of this key that the server keeps, and how it ended.
   * @throws AtpError `not_found`, `unauthorized`, `connection_failed`, …
   */
  getCall(callId: string, options: { signal?: AbortSignal } = {}): Promise<CallState> {
    return this.#stored.get(callId, options.signal)
  }

  /**
   * Waits until a call of this key ends, and returns its result. Rides out 30 s without a connection.
   * @throws AtpError what the call failed with; `deadline_exceeded` where it runs longer than that; `not_found`, …
   */
  async waitForCall(callId: string, options: WaitForCallOptions = {}): Promise<unknown> {
    return this.#stored.wait(callId, options)
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
    this.#stored.close()
    await this.#door.close()
  }

  /** Closes the client at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function createDoor(
  options: LLMClientOptions,
  socketUrl: string,
  http: { baseUrl: string; apiKey: string; fetch: typeof fetch; calls: StoredCalls },
): LlmDoor {
  const { apiKey, protocol = 'ws', logger = silentLogger, backoff = {} } = options
  if (protocol === 'http') return createHttpLlmDoor({ ...http, backoff })
  if (protocol !== 'ws') {
    throw new AtpError('unsupported', `LLMClient protocol "${String(protocol)}" is unknown; use "ws" or "http"`)
  }
  return createSocketLlmDoor({
    baseUrl: socketUrl,
    apiKey,
    logger,
    reconnectTimeoutMs: options.reconnectTimeoutMs ?? 10_000,
    backoff,
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
