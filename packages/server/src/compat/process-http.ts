import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { keyOf, type RouteAccess } from '../gateway/route-access.ts'
import type { ServerLimits } from '../limits.ts'
import { addBodyScope } from './body-scope.ts'
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
  limits: ServerLimits
  /** Takes keys in bodies too. */
  legacy: boolean
}

/** Clients that accept this get answers with members of ours; the founding ones get exactly the founding answers. */
const extendedType = 'application/vnd.atp+json'

/** How often an answer that is awaited as an event says that the server lives (rule T9), in milliseconds. */
const heartbeatMs = 15_000

/**
 * `POST /api/v1/atp/llm-client/process/`: contexts and calls for LLM clients that speak HTTP, those of the Python SDK
 * and ours. With `Accept: text/event-stream` the answer is the last event of a stream.
 */
export function registerProcessHttp(app: FastifyInstance, { service, limits, legacy }: ProcessHttpOptions): void {
  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    // An empty body is no message either.
    const message = (request.body as LlmMessage | undefined) ?? readLlmMessage(undefined)
    if (message.kind !== 'context' && message.kind !== 'call') throw message.problem
    const answering = answer(message, request, reply)
    const asEvent = request.headers.accept?.includes('text/event-stream') === true
    // A context that cannot be had is told by its status; the failure of a call is a result.
    if (asEvent && message.kind === 'call') return sendEvent(reply, answering)
    const { status, body, error } = await answering
    if (error) return reply.code(status).send({ ...body, error: error.message, code: error.code })
    return asEvent ? sendEvent(reply, answering) : reply.code(status).send(body)
  }

  function answer(
    message: ContextMessage | CallMessage,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<LlmAnswer> {
    const key = keyOf(request)
    const form = request.headers.accept?.includes(extendedType) ? 'extended' : 'founding'
    if (message.kind === 'context') return service.context(key, message, form)
    // A body that does not say its size counts as the largest.
    const requestChars = Number(request.headers['content-length'] ?? limits.llmFrameBytes)
    return new Promise((resolve) => {
      const cancel = service.call(key, message, { form, requestChars }, resolve)
      // A caller that hangs up does not want the result any more; nothing happens when it has it.
      const gone = (): void => cancel('its caller disconnected')
      if (reply.raw.destroyed) gone()
      else reply.raw.once('close', gone)
    })
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

/** Answers with a stream whose last event is the answer. */
function sendEvent(reply: FastifyReply, answering: Promise<LlmAnswer>): FastifyReply {
  const stream = new PassThrough()
  const heartbeat = setInterval(() => stream.write(': heartbeat\n\n'), heartbeatMs)
  stream.on('close', () => clearInterval(heartbeat))
  void answering.then(({ body }) => {
    clearInterval(heartbeat)
    stream.end(`data: ${eventText(body)}\n\n`)
  })
  // Without a charset the SDK's HTTP library reads text as ISO 8859-1.
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(stream)
}

/** One line, also for readers that end lines where Unicode does. */
function eventText(body: unknown): string {
  return JSON.stringify(body).replace(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
