import { defaultTimeoutMs } from '../../dispatch/invoke-tool.ts'
import { isAtpError } from '../../errors/atp-error.ts'
import { decodeFromToolkit, errorFrame } from '../../protocol/codec.ts'
import type { FromToolkitFrame, RegisterFrame, ResultFrame } from '../../protocol/frames.ts'
import { isJsonObject } from '../../protocol/json.ts'
import type { WireTool } from '../../protocol/tool-descriptor.ts'
import type { ConnectOptions } from '../../transport/transport.ts'
import { hideKey } from './hide-key.ts'
import { isMissing } from './legacy-fallback.ts'
import { LegacyLink } from './legacy-link.ts'
import { registerLegacyTools } from './legacy-registration.ts'

/** What every {@link LegacyToolkit} needs. */
export interface LegacyToolkitSettings {
  /** `http://…` without a path of ours. */
  httpUrl: string
  fetch: typeof fetch
  /** To be called when the server does not have the founding addresses either. */
  missing(): void
}

/** No frame is too large: tools travel alone, and results have a limit of their own. */
const limits = { maxFrameBytes: 256 * 1_048_576, maxResultBytes: 1_048_576, maxInFlight: 1_024 }

/**
 * A toolkit on a founding server: tools are registered over HTTP, and calls come in some way once there is a tool,
 * because a founding server does not know the toolkit of a key before.
 */
export abstract class LegacyToolkit extends LegacyLink<FromToolkitFrame> {
  protected readonly settings: LegacyToolkitSettings
  /** Ends whatever is under way with the link. */
  protected readonly abort: AbortController = new AbortController()
  readonly #timeouts = new Map<string, number>()
  /** The server's ids of calls that are no texts of ours, by the id that the client sees. */
  readonly #oddIds = new Map<string, unknown>()
  #lastOddId = 0
  #appName = ''

  constructor(options: ConnectOptions, settings: LegacyToolkitSettings) {
    super(options, decodeFromToolkit)
    this.settings = settings
  }

  /** Begins to take calls, unless it does already; resolves when they may come. */
  protected abstract serve(): Promise<void>
  /** Answers a call by the server's id. */
  protected abstract respond(id: unknown, result: unknown): void

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

  protected onEnd(): void {
    this.abort.abort()
  }

  /** Gives the client a call of the server. */
  protected call({ request_id: id, tool_name: tool, params, auth_token: token }: Record<string, unknown>): void {
    // Python's toolkits leave what they cannot read without an answer, and its caller waiting.
    if (params !== undefined && params !== null && !isJsonObject(params)) {
      this.respond(id, { error: 'The parameters must be an object' })
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

  async #register({ requestId, tools = [] }: RegisterFrame): Promise<void> {
    const { apiKey } = this.options
    const wireTools = tools as WireTool[]
    for (const { name, timeout_ms: timeoutMs = defaultTimeoutMs } of wireTools) this.#timeouts.set(name, timeoutMs)
    try {
      const rejected = await registerLegacyTools(wireTools, {
        baseUrl: this.settings.httpUrl,
        apiKey,
        appName: this.#appName,
        fetch: this.settings.fetch,
        closed: this.abort.signal,
      })
      const refused = new Set(rejected.map(({ name }) => name))
      const taken = wireTools.map(({ name }) => name).filter((name) => !refused.has(name))
      if (taken.length > 0) await this.serve()
      this.#registered(requestId, taken, rejected)
    } catch (error) {
      if (isMissing(error)) this.settings.missing()
      this.emit(errorFrame(isAtpError(error) ? hideKey(error, apiKey) : error, requestId))
    }
  }

  #registered(requestId: string, tools: string[], rejected: { name: string; code: string; message: string }[]): void {
    // The server takes the toolkit's name for its id.
    this.emit({ type: 'registered', requestId, toolkitId: this.#appName, tools, rejected, resend: false })
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
    this.respond(id, frame.ok ? (frame.result ?? null) : { error: frame.error.message })
  }
}

const oddIdPrefix = 'atp-odd-'

/** What is answered to whoever starts or uses an app here: tools of ours are none. */
export function noApp(messageType: string, tool: unknown): { error: string } {
  const what = messageType === 'atp_app_request' ? 'App initialization' : 'App action processing'
  return { error: `${what} failed: "${typeof tool === 'string' ? tool : 'unknown'}" is no app` }
}
