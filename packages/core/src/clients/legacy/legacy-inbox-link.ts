import { type AtpError, isAtpError } from '../../errors/atp-error.ts'
import { closeCodes } from '../../protocol/close-codes.ts'
import { isJsonObject } from '../../protocol/json.ts'
import { type BackoffOptions, backoffDelayMs, retryAfterMs, sleep } from '../../transport/backoff.ts'
import type { TransportSlots } from '../../transport/inbox-polling.ts'
import type { Connected, ConnectOptions } from '../../transport/transport.ts'
import { requestJson } from '../http-request.ts'
import { hideKey } from './hide-key.ts'
import { isMissing, type OpenLegacy } from './legacy-fallback.ts'
import { LegacyToolkit, type LegacyToolkitSettings, noApp } from './legacy-toolkit.ts'

/** What {@link openLegacyInbox} needs. */
export interface LegacyInboxOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  fetch: typeof fetch
  slots: TransportSlots
  backoff: BackoffOptions | undefined
}

/** A founding server may hold the request for 25 s. */
const pollTimeoutMs = 35_000
const respondTimeoutMs = 30_000
/** The least time from one poll without a call to the next: grows from the first to the second, in milliseconds. */
const emptyPauseMs = 1_000
const maxEmptyPauseMs = 5_000
/** A server that cannot be reached for this long is lost, in milliseconds. */
const unreachableMs = 30_000
/** How long answers are still sent after the end of the link, in milliseconds. */
const flushMs = 5_000

/** Serves a toolkit on a founding server whose calls wait in `/api/v1/toolkit/{key}/inbox`. */
export function openLegacyInbox({ baseUrl, fetch, slots, backoff }: LegacyInboxOptions): OpenLegacy {
  return async (options, missing): Promise<Connected> => {
    const settings = { httpUrl: baseUrl, fetch, missing }
    return { transport: new LegacyInboxLink(options, settings, slots, backoff), keySent: true }
  }
}

class LegacyInboxLink extends LegacyToolkit {
  readonly #slots: TransportSlots
  readonly #backoff: BackoffOptions | undefined
  #isPolling = false
  /** Answers that are under way, their characters, and what ends them: a link that is closed still sends what it owes. */
  #owed = 0
  #owedLength = 0
  readonly #flushed = new AbortController()
  #flushTimer: ReturnType<typeof setTimeout> | undefined

  constructor(
    options: ConnectOptions,
    settings: LegacyToolkitSettings,
    slots: TransportSlots,
    backoff: BackoffOptions | undefined,
  ) {
    super(options, settings)
    this.#slots = slots
    this.#backoff = backoff
  }

  override get bufferedAmount(): number {
    return this.#owedLength
  }

  protected onMessage(item: Record<string, unknown>): void {
    const { message_type: type, request_id: id } = item
    if (type === undefined || type === 'atp_tool_request') this.call(item)
    // Nobody waits for an answer to the end of an app.
    else if (type !== 'atp_app_terminate') this.respond(id, noApp(String(type), item.tool_name))
  }

  protected override onEnd(): void {
    super.onEnd()
    if (this.#owed > 0) this.#flushTimer ??= setTimeout(() => this.#flushed.abort(), flushMs)
  }

  protected async serve(): Promise<void> {
    if (this.#isPolling) return
    this.#isPolling = true
    void this.#pollAll(this.abort.signal)
  }

  protected respond(id: unknown, response: unknown): void {
    void this.#respond(JSON.stringify({ request_id: id, response }))
  }

  async #pollAll(signal: AbortSignal): Promise<void> {
    let pauseMs = 0
    let failures = 0
    let failingSince: number | undefined
    while (!signal.aborted) {
      await this.#untilFree(signal)
      const since = performance.now()
      try {
        const item = await this.#request('', undefined, pollTimeoutMs, signal)
        failures = 0
        failingSince = undefined
        this.options.handlers.onActivity()
        const isCall = isJsonObject(item) && Object.keys(item).length > 0
        if (isCall) this.onMessage(item)
        pauseMs = isCall ? 0 : Math.min(maxEmptyPauseMs, pauseMs + emptyPauseMs)
        // Also lets a call take its slot before the next one is asked for.
        await sleep(Math.max(0, pauseMs - (performance.now() - since)), signal)
      } catch (error) {
        if (signal.aborted || !isAtpError(error)) return
        failingSince ??= since
        if (!error.retryable || performance.now() - failingSince >= unreachableMs) {
          if (isMissing(error)) this.settings.missing()
          this.end(closeCodeOf(error), error.message)
          return
        }
        await sleep(backoffDelayMs(failures, this.#backoff) + retryAfterMs(error), signal)
        failures += 1
      }
    }
  }

  /** What is taken out of the inbox must run: nothing is taken while no slot is free. */
  async #untilFree(signal: AbortSignal): Promise<void> {
    while (this.#slots.free === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const stopListening = this.#slots.onChange(done)
        signal.addEventListener('abort', done)
        function done(): void {
          stopListening()
          signal.removeEventListener('abort', done)
          resolve()
        }
      })
    }
  }

  async #respond(body: string): Promise<void> {
    const { signal } = this.#flushed
    this.#owed += 1
    this.#owedLength += body.length
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#request('/respond', body, respondTimeoutMs, signal)
        break
      } catch (error) {
        // An answer that the server refuses is one it will always refuse.
        if (!isAtpError(error) || !error.retryable) break
        await sleep(backoffDelayMs(attempt, this.#backoff) + retryAfterMs(error), signal)
      }
    }
    this.#owed -= 1
    this.#owedLength -= body.length
    if (this.#owed === 0) clearTimeout(this.#flushTimer)
  }

  /** @throws AtpError what the server says, without the key that the address holds */
  async #request(path: string, body: string | undefined, timeoutMs: number, closed: AbortSignal): Promise<unknown> {
    const { apiKey } = this.options
    const { httpUrl, fetch } = this.settings
    const url = `${httpUrl}/api/v1/toolkit/${encodeURIComponent(apiKey)}/inbox${path}`
    try {
      return await requestJson({ url, body, timeoutMs, closed, fetch })
    } catch (error) {
      throw isAtpError(error) ? hideKey(error, apiKey) : error
    }
  }
}

/** As the socket of a founding server would be closed. */
function closeCodeOf({ details }: AtpError): number {
  if (details?.status === 401) return closeCodes.unauthorized
  return details?.status === 403 ? closeCodes.forbidden : 1006
}
