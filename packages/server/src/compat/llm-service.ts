import { isAtpError, type Logger, toWireError, type WireError } from '@atp/core'
import type { Call, CallOutcome } from '../calls/call.ts'
import type { CallRouter } from '../calls/call-router.ts'
import type { ContextService } from '../calls/context-service.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { StoredKey } from '../store/store.ts'
import { type AnswerForm, contextAnswer, contextErrorAnswer, taskAnswer } from './llm-answers.ts'
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
  /** Why a context cannot be had. */
  error?: WireError
}

/** How a call is made beside its message. */
export interface CallOptions {
  form: AnswerForm
  /** How large the request is that brought the message, in characters or bytes. */
  requestChars: number
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
   * status is always 200, because older clients turn any other into an empty result.
   * @returns what cancels the call; nothing happens when it has its answer
   */
  call(
    key: StoredKey,
    message: CallMessage,
    { form, requestChars }: CallOptions,
    onAnswer: (answer: LlmAnswer) => void,
  ): (reason: string) => void {
    const { router } = this.#options
    const { toolkitId, tool, params, authToken, timeoutMs, provider } = message
    const request = { key, toolkitId, tool, params, authToken, timeoutMs, provider, meta: undefined, requestChars }
    let call: Call | undefined
    let cancelled: string | undefined
    const answer = (outcome: CallOutcome): void => {
      onAnswer({ status: 200, body: taskAnswer(message.requestId, tool, outcome, form) })
    }
    const fail = (error: unknown): void => {
      logDefect(this.#options.logger, error)
      answer({ ok: false, error: toWireError(error) })
    }
    const startLater = async (): Promise<void> => {
      call = await router.startLater(request, answer)
      if (cancelled !== undefined) router.cancel(call, cancelled)
    }
    try {
      if (message.problem) throw message.problem
      call = router.start(request, answer)
      if (!call) startLater().catch(fail)
    } catch (error) {
      fail(error)
    }
    return (reason) => {
      if (call) router.cancel(call, reason)
      else cancelled = reason
    }
  }
}
