import { AtpError, type Logger, toWireError } from '@atp/core'
import {
  type ContextRequestFrame,
  decodeFromLlm,
  encodeFrame,
  encodeResult,
  errorFrame,
  type HelloFrame,
  type LlmCallFrame,
  toWireContext,
} from '@atp/core/protocol'
import type { Call, CallOutcome, CallPart } from '../calls/call.ts'
import type { CallListener } from '../calls/call-request.ts'
import type { CallRouter } from '../calls/call-router.ts'
import type { ContextService } from '../calls/context-service.ts'
import type { ServerLimits } from '../limits.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { StoredKey } from '../store/store.ts'
import type { PeerSocket } from './peer-socket.ts'
import { helloGreeting, protocol2Dialect } from './protocol-2.ts'
import { exactPath, type SocketRoute } from './socket-route.ts'

/** What the LLM gateways need. */
export interface LlmGatewayOptions {
  router: CallRouter
  contexts: ContextService
  limits: ServerLimits
  logger: Logger
}

/** `/ws/v2/llm`: LLM clients connect here, ask for contexts and call tools. */
export function createLlmGateway(options: LlmGatewayOptions): SocketRoute<HelloFrame> {
  const { limits } = options
  return {
    match: exactPath('/ws/v2/llm'),
    kind: 'llm',
    maxFrameBytes: limits.llmFrameBytes,
    maxSocketsPerKey: limits.llmSocketsPerKey,
    greeting: helloGreeting,
    dialect: protocol2Dialect,
    async welcome(socket, key) {
      const connection = new LlmConnection(socket, key, options)
      socket.onText = (text) => connection.onText(text)
      socket.onClose(() => connection.onClose())
      socket.send(
        encodeFrame({
          type: 'welcome',
          protocol: 2,
          capabilities: ['stream', 'detach'],
          limits: {
            maxFrameBytes: limits.llmFrameBytes,
            maxResultBytes: limits.resultBytes,
            maxInFlight: limits.callsInFlightPerKey,
          },
          heartbeatMs: limits.heartbeatMs,
        }),
      )
    },
  }
}

/** Contexts that are looked up at once for one socket, and what their requests may keep, in characters. */
const maxContexts = 64
const maxContextChars = 4 * 1_048_576

const disconnected = 'its caller disconnected'

/** Partial results of one call that may wait for a caller that does not keep up, and what each costs beside its text. */
const maxWaitingChars = 2 * 1_048_576
const partOverheadChars = 512

/** A call of this socket: being looked up, or under way. */
interface OpenRequest {
  call: Call | undefined
  cancelled: string | undefined
  /** Partial results that were sent since the caller last kept up, in characters. */
  waitingChars: number
}

/** One connected LLM client. */
class LlmConnection {
  readonly #socket: PeerSocket
  readonly #key: StoredKey
  readonly #options: LlmGatewayOptions
  readonly #open = new Map<string, OpenRequest>()
  /** Contexts that are looked up, which may take as long as the store, and the size of their requests. */
  #contexts = 0
  #contextChars = 0

  constructor(socket: PeerSocket, key: StoredKey, options: LlmGatewayOptions) {
    this.#socket = socket
    this.#key = key
    this.#options = options
  }

  onText(text: string): void {
    const decoded = decodeFromLlm(text)
    if (!decoded.ok) {
      this.#socket.refuse(decoded.error, decoded.requestId)
      return
    }
    const { frame } = decoded
    switch (frame.type) {
      case 'call':
        this.#onCall(frame, text.length)
        return
      case 'cancel':
        this.#onCancel(frame.requestId, frame.reason ?? 'its caller cancelled it')
        return
      case 'context':
        void this.#onContext(frame, text.length)
        return
      case 'error':
        // Not louder: nothing limits how often a peer says so.
        this.#options.logger.debug('llm.error', { keyId: this.#key.id, code: frame.error.code })
        return
      case 'hello':
        this.#socket.refuse(new AtpError('invalid_request', 'hello was said already'))
        return
      default:
        frame satisfies never
    }
  }

  /** Nobody waits for the results any more. */
  onClose(): void {
    for (const open of this.#open.values()) {
      if (open.call) this.#options.router.abandon(open.call, disconnected)
      else open.cancelled = disconnected
    }
  }

  #onCall(frame: LlmCallFrame, requestChars: number): void {
    const { requestId } = frame
    if (this.#open.has(requestId)) {
      const message = `A call with request_id "${requestId}" is under way on this socket; use another id`
      this.#socket.refuse(new AtpError('duplicate_request_id', message), requestId)
      return
    }
    if (this.#socket.congested) {
      this.#fail(requestId, unreadAnswers())
      return
    }
    const open: OpenRequest = { call: undefined, cancelled: undefined, waitingChars: 0 }
    this.#open.set(requestId, open)
    const request = {
      key: this.#key,
      toolkitId: frame.toolkitId,
      tool: frame.tool,
      params: frame.params,
      authToken: frame.authToken,
      timeoutMs: frame.timeoutMs,
      provider: frame.provider,
      meta: frame.meta,
      requestChars,
      idempotencyKey: frame.idempotencyKey,
      externalUserId: frame.externalUserId,
      detach: frame.detach,
      app: frame.app,
    }
    const listener: CallListener = {
      onOutcome: (outcome, callId) => this.#onOutcome(requestId, outcome, callId),
      onPart: frame.stream ? (part) => this.#onPart(requestId, part) : undefined,
      onAccepted: frame.detach ? (callId) => this.#onAccepted(requestId, callId) : undefined,
    }
    try {
      open.call = this.#options.router.start(request, listener)
      if (open.call) return
    } catch (error) {
      this.#fail(requestId, error)
      return
    }
    this.#options.router.startLater(request, listener).then(
      (call) => {
        open.call = call
        if (!call || open.cancelled === undefined) return
        if (open.cancelled === disconnected) this.#options.router.abandon(call, disconnected)
        else this.#options.router.cancel(call, open.cancelled)
      },
      (error: unknown) => this.#fail(requestId, error),
    )
  }

  #onCancel(requestId: string, reason: string): void {
    const open = this.#open.get(requestId)
    if (!open) return
    if (open.call) this.#options.router.cancel(open.call, reason)
    else open.cancelled = reason
  }

  #onOutcome(requestId: string, outcome: CallOutcome, callId: string): void {
    this.#open.delete(requestId)
    this.#socket.send(
      outcome.ok
        ? encodeResult(requestId, JSON.stringify(outcome.result), { callId })
        : encodeFrame({ type: 'result', requestId, callId, ok: false, error: outcome.error }),
    )
  }

  #onAccepted(requestId: string, callId: string): void {
    this.#open.delete(requestId)
    this.#socket.send(encodeFrame({ type: 'accepted', requestId, callId }))
  }

  /**
   * Of a caller that does not read, progress is forgotten. A partial result must not be: each call may have some wait,
   * and the one that has more ends, so that a flood of one call leaves room for the others.
   */
  #onPart(requestId: string, part: CallPart): void {
    const open = this.#open.get(requestId)
    if (!open) return
    const { congested, overloaded } = this.#socket
    if (!congested) open.waitingChars = 0
    else if (part.type === 'progress') return
    const text = encodeFrame({ ...part, requestId })
    if (congested) open.waitingChars += text.length + partOverheadChars
    if (overloaded || open.waitingChars > maxWaitingChars) {
      this.#onCancel(requestId, 'its caller does not read the partial results')
    } else this.#socket.send(text)
  }

  async #onContext(frame: ContextRequestFrame, requestChars: number): Promise<void> {
    const { requestId, toolkitId, provider = 'openai', userPrompt = '' } = frame
    this.#contexts += 1
    this.#contextChars += requestChars
    try {
      if (this.#socket.congested) throw unreadAnswers()
      if (this.#contexts > maxContexts || (this.#contexts > 1 && this.#contextChars > maxContextChars)) {
        throw new AtpError('busy', 'Too many contexts are looked up for this socket; send the request again later')
      }
      const context = await this.#options.contexts.get(this.#key.projectId, { toolkitId, provider, userPrompt })
      this.#socket.send(encodeFrame({ type: 'context', requestId, context: toWireContext(context) }))
    } catch (error) {
      logDefect(this.#options.logger, error)
      // The frame was fine: this does not count among those that cannot be read.
      this.#socket.send(encodeFrame(errorFrame(error, requestId)))
    } finally {
      this.#contexts -= 1
      this.#contextChars -= requestChars
    }
  }

  #fail(requestId: string, error: unknown): void {
    logDefect(this.#options.logger, error)
    this.#open.delete(requestId)
    this.#socket.send(encodeFrame({ type: 'result', requestId, ok: false, error: toWireError(error) }))
  }
}

/** A context or result for a peer that does not read would wait in our memory (rule T6). */
function unreadAnswers(): AtpError {
  return new AtpError('busy', 'Answers wait to be read on this socket; read them first')
}
