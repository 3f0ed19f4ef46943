import { errorCodes, isAtpError, type Logger, toWireError, type WireError } from '@atp/core'
import type { Call, CallOutcome, CallPart } from '../calls/call.ts'
import type { CallListener } from '../calls/call-request.ts'
import type { CallRouter } from '../calls/call-router.ts'
import type { ContextService } from '../calls/context-service.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { StoredKey } from '../store/store.ts'
import { type AnswerForm, acceptedAnswer, contextAnswer, contextErrorAnswer, taskAnswer } from './llm-answers.ts'
import type { CallMessage, ContextMessage } from './read-llm-message.ts'

/** What {@link LlmService} needs. */
export interface LlmServiceOptions {
  router: CallRouter
  contexts: ContextService
  logger: Logger
}

/** An answer, and the HTTP status it has where it travels alone. */
export interface LlmAnswer {
  status: number
  body: Record<string, unknown>
  /** Why a context cannot be had, or a call with an idempotency key is not made. */
  error?: WireError
  /** When a call that was refused because too many are under way may be sent again, in milliseconds from now. */
  retryAfterMs?: number | undefined
}

/** How a call is made beside its message. */
export interface CallOptions {
  form: AnswerForm
  /** How large the request is that brought the message, in characters or bytes. */
  requestChars: number
  /** Whether a refusal has a status of its own; else it is told as a result. @default true */
  refusals?: boolean | undefined
  /** The call has an id. */
  onStarted?: ((callId: string) => void) | undefined
  /** Whoever wants progress and chunks. */
  onPart?: ((part: CallPart) => void) | undefined
}

/** Serves the messages of LLM clients, however they come. */
export class LlmService {
  readonly #options: LlmServiceOptions

  constructor(options: LlmServiceOptions) {
    this.#options = options
  }

  /** The tools of a toolkit. Never rejects: what goes wrong is in the answer. */
  async context(key: StoredKey, message: ContextMessage, form: AnswerForm): Promise<LlmAnswer> {
    const { toolkitId, provider, userPrompt } = message
    try {
      if (message.problem) throw message.problem
      const context = await this.#options.contexts.get(key.projectId, { toolkitId, provider, userPrompt })
      return { status: 200, body: contextAnswer(message, context, form) }
    } catch (error) {
      logDefect(this.#options.logger, error)
      const status = isAtpError(error) ? error.status : 500
      const wire = toWireError(error)
      return { status, body: contextErrorAnswer(message, wire), error: wire }
    }
  }

  /**
   * Runs a tool. `onAnswer` is called exactly once, possibly before this returns: what goes wrong is a result. Its
   * status is 200, because older clients turn any other into an empty result; only a call that is another one by its
   * idempotency key, which they do not know, is refused with 409 or 422.
   * @returns what tells that the caller is gone; nothing happens when it has its answer
   */
  call(
    key: StoredKey,
    message: CallMessage,
    { form, requestChars, refusals = true, onStarted, onPart }: CallOptions,
    onAnswer: (answer: LlmAnswer) => void,
  ): (reason: string) => void {
    const { router } = this.#options
    const { requestId, problem, kind: _kind, apiKey: _apiKey, ...asked } = message
    const { tool } = asked
    const request = { ...asked, key, requestChars }
    let call: Call | undefined
    let gone: string | undefined
    const answer = (outcome: CallOutcome): void => {
      if (refusals && !outcome.ok && outcome.error.code.startsWith('idempotency_'))
        onAnswer(refusedAnswer(outcome.error))
      else onAnswer({ status: 200, body: taskAnswer(requestId, tool, outcome, form), retryAfterMs: pauseOf(outcome) })
    }
    const listener: CallListener = {
      onOutcome: answer,
      onStarted,
      onPart,
      onAccepted: (callId) => onAnswer({ status: 202, body: acceptedAnswer(requestId, callId) }),
    }
    const fail = (error: unknown): void => {
      logDefect(this.#options.logger, error)
      answer({ ok: false, error: toWireError(error) })
    }
    const startLater = async (): Promise<void> => {
      call = await router.startLater(request, listener)
      if (call && gone !== undefined) router.abandon(call, gone)
    }
    try {
      if (problem) throw problem
      call = router.start(request, listener)
      if (!call) startLater().catch(fail)
    } catch (error) {
      fail(error)
    }
    return (reason) => {
      if (call) router.abandon(call, reason)
      else gone = reason
    }
  }
}

function refusedAnswer(error: WireError): LlmAnswer {
  const { code, message, details } = error
  return { status: errorCodes[code].status, body: { error: message, code, ...(details ? { details } : {}) }, error }
}

function pauseOf(outcome: CallOutcome): number | undefined {
  if (outcome.ok || (outcome.error.code !== 'busy' && outcome.error.code !== 'queue_full')) return undefined
  const ms = outcome.error.details?.retryAfterMs
  return typeof ms === 'number' && ms >= 0 && ms <= 3_600_000 ? ms : 1_000
}
