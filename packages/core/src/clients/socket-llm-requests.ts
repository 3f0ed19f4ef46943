import type { AtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { ToLlmFrame } from '../protocol/frames.ts'
import { PendingRequests } from '../transport/pending-requests.ts'
import type { CallWatcher } from './llm-door.ts'
import { peerError } from './session.ts'

/** What a server answers a request with. */
export type LlmAnswer =
  | { type: 'result'; result: unknown }
  | { type: 'accepted'; callId: string }
  | { type: 'context'; context: Record<string, unknown> }

/** What {@link LlmRequests} needs. */
export interface LlmRequestsOptions {
  logger: Logger
  /** The server is about to close the connection. */
  onDrain(deadlineMs: number): void
  /** The server is about to close the connection, and the last request under way has ended. */
  onIdle(): void
}

/** The requests under way on one connection. Answers that nobody waits for are passed over. */
export class LlmRequests {
  readonly #options: LlmRequestsOptions
  readonly #pending = new PendingRequests<LlmAnswer>()
  readonly #watchers = new Map<string, CallWatcher>()
  #draining = false

  constructor(options: LlmRequestsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#pending.size
  }

  /** Waits for the answer to a request, as `PendingRequests.wait`. Obligation: no more promises than that takes. */
  wait(
    requestId: string,
    { watcher, timeoutMs, onExpire }: { watcher: CallWatcher | undefined; timeoutMs: number; onExpire: () => AtpError },
  ): Promise<LlmAnswer> {
    if (watcher) this.#watchers.set(requestId, watcher)
    return this.#pending.wait(requestId, timeoutMs, () => {
      this.#ended(requestId)
      return onExpire()
    })
  }

  /** Returns whether somebody waited. */
  reject(requestId: string, error: AtpError): boolean {
    this.#ended(requestId)
    return this.#pending.reject(requestId, error)
  }

  rejectAll(makeError: () => AtpError): void {
    this.#watchers.clear()
    this.#pending.rejectAll(makeError)
  }

  onFrame(frame: ToLlmFrame): void {
    switch (frame.type) {
      case 'result':
        if (frame.callId !== undefined) this.#watchers.get(frame.requestId)?.accepted(frame.callId)
        if (frame.ok) this.#resolve(frame.requestId, { type: 'result', result: frame.result })
        else this.reject(frame.requestId, peerError(frame.error))
        return
      case 'accepted':
        this.#resolve(frame.requestId, { type: 'accepted', callId: frame.callId })
        return
      case 'context':
        this.#resolve(frame.requestId, { type: 'context', context: frame.context })
        return
      case 'progress':
        this.#watchers.get(frame.requestId)?.progress(frame.progress)
        return
      case 'chunk':
        this.#watchers.get(frame.requestId)?.chunk(frame.sequence, frame.data)
        return
      case 'error':
        if (frame.requestId !== undefined) this.reject(frame.requestId, peerError(frame.error))
        else this.#options.logger.warn('server.error', { code: frame.error.code, error: frame.error.message })
        return
      case 'drain':
        this.#draining = true
        this.#options.onDrain(frame.deadlineMs)
        return
      case 'welcome':
      case 'ack':
        return
      default:
        frame satisfies never
    }
  }

  #resolve(requestId: string, answer: LlmAnswer): void {
    this.#ended(requestId)
    this.#pending.resolve(requestId, answer)
  }

  /** At once: what the next frame tells is after the end of the call. */
  #ended(requestId: string): void {
    this.#watchers.delete(requestId)
    if (!this.#draining) return
    // After whoever ends it has said so to the server.
    queueMicrotask(() => {
      if (this.#pending.size === 0) this.#options.onIdle()
    })
  }
}
