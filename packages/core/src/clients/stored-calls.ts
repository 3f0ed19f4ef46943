import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { type CallStateBody, callState, type TaskResponseBody } from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import { type BackoffOptions, backoffDelayMs } from '../transport/backoff.ts'
import { requestJson } from './http-request.ts'
import type { CallState, WaitForCallOptions } from './llm-client-options.ts'
import { Patience, type PauseSignals, pause } from './patience.ts'
import { readTimeout } from './read-timeout.ts'
import { peerError } from './session.ts'
import { segmentOf } from './store-client.ts'

/** What {@link StoredCalls} needs. */
export interface StoredCallsOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
  backoff: BackoffOptions
}

/** How long the server is asked to hold a question for the end of a call, in milliseconds. */
const pollMs = 25_000
const graceMs = 10_000
/** The longest pause where the server does not hold it, in milliseconds. */
const maxPauseMs = 5_000

/** Asks a server for calls that it keeps, over HTTP. */
export class StoredCalls {
  readonly #options: StoredCallsOptions
  #closing = new AbortController()

  constructor(options: StoredCallsOptions) {
    this.#options = options
  }

  /** Where a call is asked for. @throws AtpError `invalid_request` */
  urlOf(callId: string): string {
    return `${this.#options.baseUrl}/api/v2/llm/calls/${segmentOf('id', callId)}`
  }

  /** @throws AtpError `not_found`, … */
  async get(callId: string, signal: AbortSignal | undefined): Promise<CallState> {
    const { outcome, ...state } = await this.#ask(callId, { waitMs: 0, signal, closed: this.#closing.signal })
    return { ...state, ...(outcome?.ok ? { result: outcome.result } : outcome && { error: outcome.error }) }
  }

  /** @throws AtpError what the call failed with, `deadline_exceeded` where it still runs then; `not_found`, … */
  async wait(callId: string, { timeoutMs: asked, signal }: WaitForCallOptions): Promise<unknown> {
    const timeoutMs = readTimeout(asked) ?? maxTimeoutMs
    const outcome = await this.outcome(callId, { deadline: performance.now() + timeoutMs, signal })
    if (outcome.ok) return outcome.result
    throw peerError(outcome.error)
  }

  /**
   * What became of a call, once it ended.
   * @param deadline on the monotonic clock, in milliseconds
   */
  async outcome(
    callId: string,
    { deadline, signal }: { deadline: number; signal: AbortSignal | undefined },
  ): Promise<TaskResponseBody['outcome']> {
    const closed = this.#closing.signal
    const { backoff } = this.#options
    const patience = new Patience({ backoff, signal, closed, deadline })
    let hurried = 0
    for (;;) {
      const askedAt = performance.now()
      const leftMs = deadline - askedAt
      if (leftMs <= 0)
        throw new AtpError('deadline_exceeded', `Call ${callId} has not ended in the time to wait for it`)
      const waitMs = Math.min(pollMs, Math.ceil(leftMs))
      try {
        const { outcome } = await this.#ask(callId, { waitMs, signal, closed })
        if (outcome) return outcome
        patience.reached()
        const heldMs = performance.now() - askedAt
        hurried = heldMs < waitMs / 2 ? hurried + 1 : 0
        if (hurried === 0) continue
        // A server that does not hold the question must not be asked without a pause.
        const pauseMs = backoffDelayMs(hurried - 1, { maxMs: maxPauseMs, ...backoff })
        await pause(Math.min(pauseMs, leftMs - heldMs), { signal, closed })
      } catch (error) {
        await patience.wait(unanswered(error))
      }
    }
  }

  /** Ends what is under way; idempotent. */
  close(): void {
    this.#closing.abort()
    this.#closing = new AbortController()
  }

  async #ask(callId: string, { waitMs, signal, closed }: PauseSignals & { waitMs: number }): Promise<CallStateBody> {
    const { apiKey, fetch } = this.#options
    const url = waitMs > 0 ? `${this.urlOf(callId)}?wait_ms=${waitMs}` : this.urlOf(callId)
    const timeoutMs = waitMs + graceMs
    const answer = await requestJson({ url, apiKey, timeoutMs, signal, closed, fetch })
    const parsed = callState.safeParse(answer)
    if (parsed.success) return parsed.data
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
  }
}

/** A server that does not answer a question in its time is out of reach; the time to wait for the call is another one. */
function unanswered(error: unknown): unknown {
  if (!isAtpError(error) || error.code !== 'deadline_exceeded') return error
  return new AtpError('connection_failed', error.message, { cause: error })
}
