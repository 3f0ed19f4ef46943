import { AtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { Principal, ToolContext } from '../tool/tool.ts'
import type { CancelSignal } from './cancel-signal.ts'

/** What a {@link CallContext} is made of. */
export interface CallContextOptions {
  callId: string
  authToken: string | undefined
  logger: Logger
  env: unknown
  principal: Principal | undefined
  /** The caller's signal, if it has one. */
  signal: CancelSignal | undefined
  onProgress: ((value: unknown) => void) | undefined
}

/**
 * The context of one run. Its abort signal is only made when a handler reads it: most handlers never do, and an
 * AbortController costs more than a small tool.
 */
export class CallContext implements ToolContext {
  readonly callId: string
  readonly authToken: string | undefined
  readonly logger: Logger
  readonly env: unknown
  readonly principal: Principal | undefined
  readonly #callerSignal: CancelSignal | undefined
  readonly #onProgress: ((value: unknown) => void) | undefined
  #controller: AbortController | undefined
  #aborted: { reason: unknown } | undefined
  #ended = false

  constructor(options: CallContextOptions) {
    this.callId = options.callId
    this.authToken = options.authToken
    this.logger = options.logger
    this.env = options.env
    this.principal = options.principal
    this.#callerSignal = options.signal
    this.#onProgress = options.onProgress
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      if (this.#callerSignal?.aborted) this.abort(cancelledError(this.#callerSignal.reason))
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  /** Why the run was ended for the handler; undefined while it may go on. */
  get abortReason(): unknown {
    return this.#aborted?.reason
  }

  /** Progress of a call that has its outcome reaches nobody. Bound: handlers take it out of the context. */
  readonly progress = (value: unknown): void => {
    if (!this.#ended) this.#onProgress?.(value)
  }

  /** Ends the run for the handler; the first reason stays. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  /** The call has its outcome. */
  end(): void {
    this.#ended = true
  }
}

/** The error a cancelled call ends with. */
export function cancelledError(reason?: unknown): AtpError {
  const why = typeof reason === 'string' && reason !== '' ? `: ${reason}` : ''
  return new AtpError('cancelled', `The call was cancelled by its caller${why}`, { cause: reason })
}
