import type { IncomingMessage, ServerResponse } from 'node:http'
import { AtpError, isAtpError, type Logger } from '@atp/core'
import { checkJsonShape, parseJson } from '@atp/core/protocol'
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { ServerLimits } from '../limits.ts'
import { logDefect } from '../logging/log-defect.ts'
import { addJsonParser } from './body-scope.ts'
import { createClientErrorHandler, refuseOddRequests } from './client-errors.ts'
import { errorAnswer } from './error-answer.ts'
import type { RequestsOfKeys } from './requests-of-keys.ts'
import { type AuthenticateRequest, guardRoutes } from './route-access.ts'
import { watchRouteMethods } from './route-methods.ts'
import { endUnreadAnswer } from './unread-answers.ts'

/** What {@link createHttpApp} needs. */
export interface HttpAppOptions {
  limits: ServerLimits
  newId: () => string
  checkOrigin: (request: { host: string | undefined; origin: string | undefined }) => void
  authenticate: AuthenticateRequest
  /** Told of each request that showed a key. */
  requests?: RequestsOfKeys | undefined
  logger: Logger
}

/**
 * The HTTP side of the server without its routes: limits of rule T1, keys before bodies, our JSON parser, one shape for
 * every refusal, request log.
 */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
  const { limits, newId, logger } = options
  const app = fastify({
    logger: false,
    bodyLimit: limits.llmFrameBytes,
    genReqId: () => newId(),
    routerOptions: { maxParamLength: 512 },
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // What still comes in while the server stops is answered in our shape by who knows better what it is worth.
    return503OnClosing: false,
    // What the router refuses before any hook, such as a malformed percent escape, is answered like the rest (rule I7).
    frameworkErrors: (_error, request, reply) => {
      sendError(request, reply, new AtpError('invalid_request', 'The address of the request cannot be read'))
    },
    clientErrorHandler: createClientErrorHandler({ newId, logger }),
    http: {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
      // Node would answer without a body; the first hook does it in our shape.
      requireHostHeader: false,
      // An offer to speak another protocol, such as h2c, is not taken up, and the request is served as it is (RFC 9110
      // section 7.8).
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
  })
  app.server.maxHeadersCount = 100
  refuseOddRequests(app.server, { newId, logger })
  /** Clients that send their body only once they are told to (RFC 9110 section 10.1.1). */
  const waiting = new WeakSet<IncomingMessage>()
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request)
    app.routing(request, response)
  })
  app.removeAllContentTypeParsers()
  addJsonParser(app, parseJson)
  const methodsOf = watchRouteMethods(app)
  // Hooks that wait for nothing call back: a promise for each of them costs more than what most of them do.
  app.addHook('onRequest', (request, _reply, done) => {
    const { host, origin } = request.headers
    if (host === undefined && request.raw.httpVersion === '1.1') {
      throw new AtpError('invalid_request', 'A request of HTTP/1.1 needs a Host header')
    }
    options.checkOrigin({ host, origin })
    // Here, because the body of a request that nobody serves is not worth reading either.
    if (request.is404) throw noRoute(request.method, methodsOf(request.url))
    done()
  })
  guardRoutes(app, options.authenticate, options.requests)
  app.addHook('onRequest', (request, reply, done) => {
    if (waiting.delete(request.raw)) reply.raw.writeContinue()
    done()
  })
  app.addHook('onSend', ({ raw }, reply, payload, done) => {
    endUnreadAnswer(reply.raw, payload, limits.stuckMs)
    // A client that still waits to be told to send its body has not begun; Node closes its connection by itself.
    if (!raw.complete && !waiting.delete(raw)) discardBody(raw, limits.llmFrameBytes)
    done(null, payload)
  })
  app.addHook('onResponse', (request, reply, done) => {
    // The route's pattern, never the address: older clients put keys into it (rule L1).
    const route = request.routeOptions.url ?? 'none'
    const ms = Math.round(reply.elapsedTime)
    logger.debug('http.request', { requestId: request.id, method: request.method, route, status: reply.statusCode, ms })
    done()
  })
  app.setNotFoundHandler((request, reply) => sendError(request, reply, noRoute(request.method, [])))
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toAtpError(error, request.routeOptions.bodyLimit ?? limits.llmFrameBytes)
    if (known.code === 'internal_error') logDefect(logger, error, { requestId: request.id })
    sendError(request, reply, known)
  })
  return app
}

/** Checks a query string's values the way bodies are checked. */
export function readQuery(request: FastifyRequest): Record<string, unknown> {
  checkJsonShape(request.query)
  return request.query as Record<string, unknown>
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: AtpError): void {
  const { status, headers, body } = errorAnswer(error, request)
  void reply.code(status).headers(headers).send(body)
}

function noRoute(method: string, allow: string[]): AtpError {
  if (allow.length === 0) return new AtpError('not_found', `There is no ${method} route at this address`)
  return new AtpError('method_not_allowed', `This address takes ${allow.join(', ')}, not ${method}`, {
    details: { allow },
  })
}

/**
 * Takes what was not read of a body off the wire, so that a client that is still writing gets to read its answer; ends
 * the connection when it is more than any body may be.
 */
function discardBody(request: IncomingMessage, maxBytes: number): void {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBytes) request.socket.destroy()
  })
}

/** What the framework itself refuses, in our codes. */
function toAtpError(error: FastifyError, maxBodyBytes: number): AtpError {
  if (isAtpError(error)) return error
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AtpError('payload_too_large', `The body is larger than ${maxBodyBytes} bytes`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AtpError('unsupported_media_type', 'Send the body as application/json')
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new AtpError('invalid_request', 'The request cannot be read')
        : new AtpError('internal_error', 'Internal error', { cause: error })
  }
}
