import { AtpError, isAtpError } from '../../errors/atp-error.ts'
import { decodeFromLlm, errorFrame } from '../../protocol/codec.ts'
import type { ContextRequestFrame, FromLlmFrame, LlmCallFrame } from '../../protocol/frames.ts'
import { taskResponse } from '../../protocol/http-bodies.ts'
import { isJsonObject } from '../../protocol/json.ts'
import { firstIssues } from '../../protocol/tool-descriptor.ts'
import type { Connect, Connected, ConnectOptions, Transport } from '../../transport/transport.ts'
import { foundingProvider, inProvidersForm } from './founding-tools.ts'
import { hideKey } from './hide-key.ts'
import type { OpenLegacy } from './legacy-fallback.ts'
import { LegacyLink } from './legacy-link.ts'

/** What {@link openLegacyLlm} needs. */
export interface LegacyLlmOptions {
  /** `ws://…` without a path of ours. */
  baseUrl: string
  connect: Connect
}

/** Asks a founding server for contexts and calls, over `/ws/v1/atp/llm-client/{key}/`. */
export function openLegacyLlm({ baseUrl, connect }: LegacyLlmOptions): OpenLegacy {
  return async (options): Promise<Connected> => {
    const link = new LegacyLlmLink(options)
    try {
      await link.open(`${baseUrl}/ws/v1/atp/llm-client/${encodeURIComponent(options.apiKey)}/`, connect)
    } catch (error) {
      link.terminate()
      throw isAtpError(error) ? hideKey(error, options.apiKey) : error
    }
    return { transport: link, keySent: true }
  }
}

/** What a server is sure to take: 1 MiB of arguments, and what is around them. */
const limits = { maxFrameBytes: 1_114_112, maxResultBytes: 1_048_576, maxInFlight: 1_024 }

class LegacyLlmLink extends LegacyLink<FromLlmFrame> {
  /** What the client asked under which id. A founding server takes ids for those of everybody: they must be unique. */
  readonly #asked = new Map<string, ContextRequestFrame | LlmCallFrame>()

  constructor(options: ConnectOptions) {
    super(options, decodeFromLlm)
  }

  async open(url: string, connect: Connect): Promise<void> {
    const { apiKey, timeoutMs, signal, handlers } = this.options
    const { transport }: { transport: Transport } = await connect({
      url,
      apiKey,
      timeoutMs,
      signal,
      handlers: {
        onActivity: () => handlers.onActivity(),
        onMessage: (text) => this.receive(text),
        onClose: (code, reason) => this.end(code, reason),
      },
    })
    this.attach(transport)
  }

  protected onFrame(frame: FromLlmFrame): void {
    switch (frame.type) {
      case 'hello':
        this.tell({ type: 'auth', api_key: this.options.apiKey })
        return
      case 'context':
        this.tell({
          type: 'get_toolkit_context',
          request_id: this.#ask(frame),
          toolkit_id: frame.toolkitId,
          provider: foundingProvider(frame.provider),
          user_prompt: frame.userPrompt ?? '',
        })
        return
      case 'call':
        // A founding server would run it, and run it again when it is sent again.
        if (frame.detach || frame.idempotencyKey !== undefined || frame.app) {
          this.emit(errorFrame(new AtpError('unsupported', `The server cannot ${beyond(frame)}`), frame.requestId))
          return
        }
        this.tell({
          type: 'task_request',
          request_id: this.#ask(frame),
          toolkit_id: frame.toolkitId,
          payload: { function: frame.tool, parameters: frame.params, auth_token: frame.authToken ?? null },
          auth_token: frame.authToken ?? null,
          user_prompt: '',
          provider: foundingProvider(frame.provider),
          timeout_ms: frame.timeoutMs,
        })
        return
      case 'cancel':
        // This wire has no word for it: the tool runs on, and its result is dropped.
        for (const [id, { requestId }] of this.#asked) if (requestId === frame.requestId) this.#asked.delete(id)
        return
      case 'error':
        return
      default:
        frame satisfies never
    }
  }

  protected onMessage(message: Record<string, unknown>): void {
    if (message.type === 'auth_response') this.#authenticated(message)
    if (message.type !== 'toolkit_context' && message.type !== 'task_response') return
    const asked = this.#asked.get(String(message.request_id))
    this.#asked.delete(String(message.request_id))
    if (asked?.type === 'context') this.#context(asked, message.payload)
    if (asked?.type === 'call') this.#result(asked, message)
  }

  protected onEnd(): void {
    this.#asked.clear()
  }

  #ask(frame: ContextRequestFrame | LlmCallFrame): string {
    const id = crypto.randomUUID()
    this.#asked.set(id, frame)
    return id
  }

  #authenticated({ success, error }: Record<string, unknown>): void {
    if (success === true) {
      this.welcome(limits)
      return
    }
    const reason = typeof error === 'string' && error !== '' ? error : 'The server refused the API key'
    this.emit(errorFrame(hideKey(new AtpError('unauthorized', reason), this.options.apiKey)))
  }

  #context({ requestId, provider = 'openai' }: ContextRequestFrame, payload: unknown): void {
    if (isJsonObject(payload) && typeof payload.toolkit_id === 'string' && Array.isArray(payload.tools)) {
      const tools = inProvidersForm(payload.tools.filter(isJsonObject), provider)
      const isStrict = provider.endsWith('-strict')
      const warnings = isStrict ? tools.map((tool) => notStrict(tool, provider)) : payload.warnings
      this.emit({ type: 'context', requestId, context: { ...payload, provider, tools, warnings } })
      return
    }
    const text = isJsonObject(payload) && typeof payload.error === 'string' ? payload.error : undefined
    // An unknown toolkit is what this wire has an error for.
    if (text !== undefined) this.emit(errorFrame(new AtpError('toolkit_not_found', text), requestId))
    else this.emit(errorFrame(unreadable('context holds neither tools nor an error'), requestId))
  }

  #result({ requestId }: LlmCallFrame, message: Record<string, unknown>): void {
    const parsed = taskResponse.safeParse(message)
    if (parsed.success) this.emit({ type: 'result', requestId, ...parsed.data.outcome })
    else this.emit(errorFrame(unreadable(firstIssues(parsed.error)), requestId))
  }
}

function unreadable(why: string): AtpError {
  return new AtpError('protocol_error', `The answer of the server cannot be read: ${why}`)
}

/** What a call asks for that this wire has no word for. */
function beyond({ detach, app }: LlmCallFrame): string {
  if (app) return 'keep sessions of apps'
  return detach ? 'store calls: leave out detach' : 'keep idempotency keys: leave out idempotencyKey'
}

/** The schemas of a founding server are its own, and made for no strict mode. */
function notStrict(tool: Record<string, unknown>, provider: string): Record<string, unknown> {
  const name = isJsonObject(tool.function) ? tool.function.name : tool.name
  const message = 'Changed: not strict, because the server knows no strict mode'
  return { tool: String(name), provider, code: 'not_strict', message }
}
