import { defaultTimeoutMs } from '../../dispatch/invoke-tool.ts'
import { AtpError, isAtpError } from '../../errors/atp-error.ts'
import { decodeFromToolkit, errorFrame } from '../../protocol/codec.ts'
import type { FromToolkitFrame, RegisterFrame, ResultFrame } from '../../protocol/frames.ts'
import { isJsonObject } from '../../protocol/json.ts'
import type { WireTool } from '../../protocol/tool-descriptor.ts'
import type { Connect, Connected, ConnectOptions } from '../../transport/transport.ts'
import { hideKey } from './hide-key.ts'
import { isMissing, type OpenLegacy } from './legacy-fallback.ts'
import { LegacyLink } from './legacy-link.ts'
import { registerLegacyTools } from './legacy-registration.ts'

/** What {@link openLegacyToolkit} needs. */
export interface LegacyToolkitOptions {
  baseUrl: { http: string; ws: string }
  connect: Connect
  fetch: typeof fetch
}

/**
 * Serves a toolkit on a founding server: tools are registered over HTTP, calls come over
 * `/ws/v1/atp/toolkit-client/{key}/`. That socket is opened with the first tool, because a founding server does not
 * know the toolkit of a key before.
 */
export function openLegacyToolkit(options: LegacyToolkitOptions): OpenLegacy {
  return async (connectOptions, missing): Promise<Connected> => {
    const transport = new LegacyToolkitLink(connectOptions, options, missing)
    return { transport, keySent: true }
  }
}

/** No frame is too large: tools travel alone, and results have a limit of their own. */
const limits = { maxFrameBytes: 256 * 1_048_576, maxResultBytes: 1_048_576, maxInFlight: 1_024 }

class LegacyToolkitLink extends LegacyLink<FromToolkitFrame> {
  readonly #legacy: LegacyToolkitOptions
  readonly #missing: () => void
  readonly #abort = new AbortController()
  readonly #timeouts = new Map<string, number>()
  /** The server's ids of calls that are no texts of ours, by the id that the client sees. */
  readonly #oddIds = new Map<string, unknown>()
  #lastOddId = 0
  #appName = ''
  #greeting: PromiseWithResolvers<void> | undefined

  constructor(options: ConnectOptions, legacy: LegacyToolkitOptions, missing: () => void) {
    super(options, decodeFromToolkit)
    this.#legacy = legacy
    this.#missing = missing
  }

  protected onFrame(frame: FromToolkitFrame): void {
    switch (frame.type) {
      case 'hello':
        this.#appName = frame.appName ?? ''
        this.welcome(limits)
        return
      case 'register':
        void this.#register(frame)
        return
      case 'unregister':
        // This wire has no word for it: a call of such a tool is answered with an error.
        this.#registered(frame.requestId, [], [])
        return
      case 'result':
        this.#answer(frame)
        return
      default:
        // Nothing on this wire has their meaning.
        return
    }
  }

  protected onMessage({ message_type: type, payload }: Record<string, unknown>): void {
    if (type === 'atp_client_connected') this.#greeting?.resolve()
    if (!isJsonObject(payload)) return
    if (type === 'atp_tool_request') this.#call(payload)
    if (type === 'atp_app_request' || type === 'atp_app_action') this.#refuseApp(type, payload)
  }

  protected onEnd(): void {
    this.#abort.abort()
    this.#greeting?.reject(new AtpError('connection_closed', 'The connection closed before the server greeted'))
  }

  async #register({ requestId, tools = [] }: RegisterFrame): Promise<void> {
    const { apiKey } = this.options
    const wireTools = tools as WireTool[]
    for (const { name, timeout_ms: timeoutMs = defaultTimeoutMs } of wireTools) this.#timeouts.set(name, timeoutMs)
    try {
      const rejected = await registerLegacyTools(wireTools, {
        baseUrl: this.#legacy.baseUrl.http,
        apiKey,
        appName: this.#appName,
        fetch: this.#legacy.fetch,
        closed: this.#abort.signal,
      })
      const refused = new Set(rejected.map(({ name }) => name))
      const taken = wireTools.map(({ name }) => name).filter((name) => !refused.has(name))
      if (taken.length > 0 && !this.hasSocket) await this.#openSocket()
      this.#registered(requestId, taken, rejected)
    } catch (error) {
      if (isMissing(error)) this.#missing()
      this.emit(errorFrame(isAtpError(error) ? hideKey(error, apiKey) : error, requestId))
    }
  }

  #registered(requestId: string, tools: string[], rejected: { name: string; code: string; message: string }[]): void {
    // The server takes the toolkit's name for its id.
    this.emit({ type: 'registered', requestId, toolkitId: this.#appName, tools, rejected, resend: false })
  }

  async #openSocket(): Promise<void> {
    const { apiKey, handlers, timeoutMs } = this.options
    const greeting = Promise.withResolvers<void>()
    this.#greeting = greeting
    greeting.promise.catch(() => {})
    const timer = setTimeout(() => {
      greeting.reject(new AtpError('connection_failed', `The server did not greet within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      const { transport } = await this.#legacy.connect({
        url: `${this.#legacy.baseUrl.ws}/ws/v1/atp/toolkit-client/${encodeURIComponent(apiKey)}/`,
        apiKey,
        timeoutMs,
        signal: this.#abort.signal,
        handlers: {
          onActivity: () => handlers.onActivity(),
          onMessage: (text) => this.receive(text),
          onClose: (code, reason) => this.end(code, reason),
        },
      })
      this.attach(transport)
      await greeting.promise
    } finally {
      clearTimeout(timer)
    }
  }

  #call({ request_id: id, tool_name: tool, params, auth_token: token }: Record<string, unknown>): void {
    // Python's toolkits leave what they cannot read without an answer, and its caller waiting.
    if (params !== undefined && params !== null && !isJsonObject(params)) {
      this.#respond(id, { error: 'The parameters must be an object' })
      return
    }
    const name = typeof tool === 'string' ? tool : 'unknown'
    this.emit({
      type: 'call',
      requestId: this.#clientId(id),
      tool: name,
      params: params ?? {},
      deadlineMs: this.#timeouts.get(name) ?? defaultTimeoutMs,
      ...(typeof token === 'string' && token !== '' ? { authToken: token } : {}),
    })
  }

  #clientId(id: unknown): string {
    if (typeof id === 'string' && id !== '' && id.length <= 128 && !id.startsWith(oddIdPrefix)) return id
    this.#lastOddId += 1
    const clientId = `${oddIdPrefix}${this.#lastOddId}`
    this.#oddIds.set(clientId, id)
    return clientId
  }

  #answer(frame: ResultFrame): void {
    const { requestId } = frame
    const id = this.#oddIds.has(requestId) ? this.#oddIds.get(requestId) : requestId
    this.#oddIds.delete(requestId)
    this.#respond(id, frame.ok ? (frame.result ?? null) : { error: frame.error.message })
  }

  #respond(id: unknown, result: unknown): void {
    this.tell({ type: 'tool_response', request_id: id, result })
  }

  /** Tools of ours are no apps; unanswered, whoever starts one would wait. */
  #refuseApp(type: string, { request_id: id, tool_name: tool }: Record<string, unknown>): void {
    const what = type === 'atp_app_request' ? 'App initialization' : 'App action processing'
    const error = `${what} failed: "${typeof tool === 'string' ? tool : 'unknown'}" is no app`
    this.tell({ type: 'app_response', request_id: id, result: { error } })
  }
}

const oddIdPrefix = 'atp-odd-'
