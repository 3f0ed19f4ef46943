import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallStreams } from '../calls/call-streams.ts'
import { addBodyScope } from '../gateway/body-scope.ts'
import { createEventReply } from '../gateway/event-reply.ts'
import { keyOf, type RouteAccess } from '../gateway/route-access.ts'
import type { ServerLimits } from '../limits.ts'
import type { LlmAnswer, LlmService } from './llm-service.ts'
import {
  type CallMessage,
  type ContextMessage,
  type LlmMessage,
  readLlmMessage,
  readLlmText,
} from './read-llm-message.ts'

/** What {@link registerProcessHttp} needs. */
export interface ProcessHttpOptions {
  service: LlmService
  streams: CallStreams
  limits: ServerLimits
  /** Takes keys in bodies too. */
  legacy: boolean
}

/** Clients that accept this get answers with members of ours; the founding ones get exactly the founding answers. */
const extendedType = 'application/vnd.atp+json'

/**
 * `POST /api/v1/atp/llm-client/process/`: contexts and calls for LLM clients that speak HTTP, those of the Python SDK
 * and ours. With `Accept: text/event-stream` the answer is the last event of a stream; ours get what comes before it, too.
 */
export function registerProcessHttp(app: FastifyInstance, options: ProcessHttpOptions): void {
  const { service, streams, limits, legacy } = options

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    // An empty body is no message either.
    const message = (request.body as LlmMessage | undefined) ?? readLlmMessage(undefined)
    if (message.kind !== 'context' && message.kind !== 'call') throw message.problem
    const asEvent = request.headers.accept?.includes('text/event-stream') === true
    if (message.kind === 'call') {
      message.idempotencyKey ??= keyInHeader(request)
      message.meta ??= traceOf(request)
      if (asEvent && !message.detach && extended(request)) return stream(message, request, reply)
    }
    const answering = answer(message, request, reply)
    // A context that cannot be had is told by its status; the failure of a call is a result.
    if (asEvent && message.kind === 'call') return sendEvent(reply, answering)
    const { status, body, error, retryAfterMs } = await answering
    if (retryAfterMs !== undefined) void reply.header('retry-after', `${Math.ceil(retryAfterMs / 1_000)}`)
    if (error) {
      if (error.retryable) void reply.header('retry-after', '1')
      return reply.code(status).send({ ...body, error: error.message, code: error.code })
    }
    if (asEvent) return sendEvent(reply, answering)
    return reply.code(status).send(body)
  }

  function answer(
    message: ContextMessage | CallMessage,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<LlmAnswer> {
    const key = keyOf(request)
    const form = extended(request) ? 'extended' : 'founding'
    if (message.kind === 'context') return service.context(key, message, form)
    const requestChars = sizeOf(request)
    return new Promise((resolve) => {
      const cancel = service.call(key, message, { form, requestChars }, resolve)
      // A caller that hangs up before it has the result does not want it any more.
      const gone = (): void => {
        if (!reply.raw.writableEnded) cancel('its caller disconnected')
      }
      if (reply.raw.destroyed) gone()
      else reply.raw.once('close', gone)
    })
  }

  /** Progress, partial results and the answer; whoever loses the connection may come back for the rest (rule T9). */
  function stream(message: CallMessage, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const key = keyOf(request)
    const reader = createEventReply(reply)
    let abandon = (_reason: string): void => {}
    const { events, name } = streams.open(key.id, () => abandon('its caller did not come back'))
    events.attach(reader, 0)
    abandon = service.call(
      key,
      message,
      {
        form: 'extended',
        requestChars: sizeOf(request),
        refusals: false,
        onStarted(callId) {
          name(callId)
          events.push('call', JSON.stringify({ call_id: callId }))
        },
        onPart({ type, ...part }) {
          events.push(type, eventText(part))
        },
      },
      ({ body }) => events.push('answer', eventText(body), true),
    )
    // Not before, because it may be gone already: then the call ends with it.
    reader.onClose(() => events.detach(reader))
    return reader.start()
  }

  /** A body that does not say its size counts as the largest. */
  function sizeOf(request: FastifyRequest): number {
    return Number(request.headers['content-length'] ?? limits.llmFrameBytes)
  }

  const access: RouteAccess = legacy
    ? { kind: 'llm', legacyKey: { in: 'body', maxBytes: limits.keylessBodyBytes, read: keyOfMessage } }
    : { kind: 'llm' }
  // What cannot be read is a message with a problem: a call has to be answered with 200 even then.
  addBodyScope(app, readLlmText, (scope) => {
    scope.post('/api/v1/atp/llm-client/process/', { config: { access } }, handle)
    scope.post('/api/v1/atp/llm-client/process', { config: { access } }, handle)
  })
}

function keyOfMessage(body: unknown): string | undefined {
  return (body as LlmMessage | undefined)?.apiKey
}

/**
 * The key of clients that know the header alone: a quoted text (draft-ietf-httpapi-idempotency-key-header, section 2),
 * which many send without the quotes.
 */
function keyInHeader({ headers }: FastifyRequest): string | undefined {
  const given = headers['idempotency-key']
  if (typeof given !== 'string' || given === '') return undefined
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(given)?.[1]
  return quoted === undefined ? given : quoted.replace(/\\(["\\])/g, '$1')
}

/** The trace of a client that is instrumented and knows nothing of `_meta` (W3C Trace Context). */
function traceOf({ headers }: FastifyRequest): Record<string, unknown> | undefined {
  const { traceparent, tracestate } = headers
  if (typeof traceparent !== 'string') return undefined
  return { traceparent, ...(typeof tracestate === 'string' ? { tracestate } : {}) }
}

/** Whether a client reads members of ours. */
function extended(request: FastifyRequest): boolean {
  return request.headers.accept?.includes(extendedType) === true
}

/** Answers with a stream whose last event is the answer. */
function sendEvent(reply: FastifyReply, answering: Promise<LlmAnswer>): FastifyReply {
  const events = createEventReply(reply)
  void answering.then(({ body }) => {
    events.write(`data: ${eventText(body)}\n\n`)
    events.end()
  })
  return events.start()
}

/** One line, also for readers that end lines where Unicode does. */
function eventText(body: unknown): string {
  return JSON.stringify(body).replace(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
