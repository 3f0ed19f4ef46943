import type { IncomingMessage } from 'node:http'
import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import { checkJsonShape, parseJson } from '@atp/core/protocol'
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { ServerLimits } from '../limits.ts'

/** What {@link createHttpApp} needs. */
export interface HttpAppOptions {
  limits: ServerLimits
  newId: () => string
  checkOrigin: (request: { host: string | undefined; origin: string | undefined }) => void
  logger: Logger
}

/** Admin surfaces live below this prefix and answer errors as RFC 9457 problems. */
export const adminPrefix = '/api/v2'

/** RFC 9457 `type`: names the problem for ever, wherever the documentation lies. The code is explained in docs/errors.md. */
const problemType = 'urn:atp:error:'

/** The HTTP side of the server without its routes: limits of rule T1, our JSON parser, errors, request log. */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
  const { limits, logger } = options
  const app = fastify({
    logger: false,
    bodyLimit: limits.llmFrameBytes,
    genReqId: () => options.newId(),
    routerOptions: { maxParamLength: 512 },
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // What the router refuses before any hook, such as a malformed percent escape, is answered like the rest (rule I7).
    frameworkErrors: (_error, request, reply) => {
      sendError(request, reply, new AtpError('invalid_request', 'The address of the request cannot be read'))
    },
    http: {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
      // An offer to speak another protocol, such as h2c, is not taken up, and the request is served as it is (RFC 9110
      // section 7.8).
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
  })
  app.server.maxHeadersCount = 100
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
    body.trim() === '' ? undefined : parseJson(body),
  )
  app.addHook('onRequest', async (request) => {
    options.checkOrigin({ host: request.headers.host, origin: request.headers.origin })
  })
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the address: older clients put keys into it (rule L1).
    const route = request.routeOptions.url ?? 'none'
    const ms = Math.round(reply.elapsedTime)
    logger.debug('http.request', { requestId: request.id, method: request.method, route, status: reply.statusCode, ms })
  })
  app.setNotFoundHandler((request, reply) => {
    sendError(request, reply, new AtpError('not_found', `There is no ${request.method} route at this address`))
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toAtpError(error, limits)
    if (known.code === 'internal_error') {
      logger.error('gateway.defect', { requestId: request.id, error: error.stack ?? String(error) })
    }
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
  const { code, message, details } = toWireError(error)
  const retryAfterMs = details?.retryAfterMs
  if (typeof retryAfterMs === 'number') void reply.header('retry-after', Math.ceil(retryAfterMs / 1_000))
  if (error.code === 'unauthorized') void reply.header('www-authenticate', 'Bearer')
  void reply.code(error.status)
  if (request.url.startsWith(adminPrefix)) {
    void reply.type('application/problem+json').send({
      type: `${problemType}${code}`,
      title: code.replaceAll('_', ' '),
      status: error.status,
      detail: message,
      code,
      request_id: request.id,
    })
  } else void reply.send({ error: message, code, request_id: request.id })
}

/** What the framework itself refuses, in our codes. */
function toAtpError(error: FastifyError, limits: ServerLimits): AtpError {
  if (isAtpError(error)) return error
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AtpError('payload_too_large', `The body is larger than ${limits.llmFrameBytes} bytes`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AtpError('unsupported_media_type', 'Send the body as application/json')
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new AtpError('invalid_request', 'The request cannot be read')
        : new AtpError('internal_error', 'Internal error', { cause: error })
  }
}
