import { AtpError } from '../../errors/atp-error.ts'
import { isJsonObject } from '../../protocol/json.ts'
import type { Connect, Connected, ConnectOptions } from '../../transport/transport.ts'
import type { OpenLegacy } from './legacy-fallback.ts'
import { LegacyToolkit, type LegacyToolkitSettings, noApp } from './legacy-toolkit.ts'

/** What {@link openLegacyToolkit} needs. */
export interface LegacyToolkitOptions {
  baseUrl: { http: string; ws: string }
  connect: Connect
  fetch: typeof fetch
}

/** Serves a toolkit on a founding server whose calls come over `/ws/v1/atp/toolkit-client/{key}/`. */
export function openLegacyToolkit({ baseUrl, connect, fetch }: LegacyToolkitOptions): OpenLegacy {
  return async (options, missing): Promise<Connected> => {
    const settings = { httpUrl: baseUrl.http, fetch, missing }
    return { transport: new LegacyToolkitLink(options, settings, baseUrl.ws, connect), keySent: true }
  }
}

class LegacyToolkitLink extends LegacyToolkit {
  readonly #baseUrl: string
  readonly #connect: Connect
  #greeting: PromiseWithResolvers<void> | undefined

  constructor(options: ConnectOptions, settings: LegacyToolkitSettings, baseUrl: string, connect: Connect) {
    super(options, settings)
    this.#baseUrl = baseUrl
    this.#connect = connect
  }

  protected onMessage({ message_type: type, payload }: Record<string, unknown>): void {
    if (type === 'atp_client_connected') this.#greeting?.resolve()
    if (!isJsonObject(payload)) return
    if (type === 'atp_tool_request') this.call(payload)
    if (type === 'atp_app_request' || type === 'atp_app_action') {
      // Unanswered, whoever starts one would wait.
      const result = noApp(type, payload.tool_name)
      this.tell({ type: 'app_response', request_id: payload.request_id, result })
    }
  }

  protected override onEnd(): void {
    super.onEnd()
    this.#greeting?.reject(new AtpError('connection_closed', 'The connection closed before the server greeted'))
  }

  protected async serve(): Promise<void> {
    if (this.hasSocket) return
    const { apiKey, handlers, timeoutMs } = this.options
    const greeting = Promise.withResolvers<void>()
    this.#greeting = greeting
    greeting.promise.catch(() => {})
    const timer = setTimeout(() => {
      greeting.reject(new AtpError('connection_failed', `The server did not greet within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      const { transport } = await this.#connect({
        url: `${this.#baseUrl}/ws/v1/atp/toolkit-client/${encodeURIComponent(apiKey)}/`,
        apiKey,
        timeoutMs,
        signal: this.abort.signal,
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

  protected respond(id: unknown, result: unknown): void {
    this.tell({ type: 'tool_response', request_id: id, result })
  }
}
