import { nodeBody, type RequestBody } from '@atp/core/http'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'

const parsing: unique symbol = Symbol('atp.parsing')

/** A request that may tell that nothing before its parsing has refused it. */
interface MarkedRequest extends FastifyRequest {
  [parsing]?: boolean
}

/** Adds to a scope what the app's parsers have no answer to; where the app has a parser of its own, that one stays. */
export function addBodyParsers(scope: FastifyInstance): void {
  acceptEmptyJson(scope)
  scope.decorateRequest(parsing, false)
  // Runs after those that the app registered before, which may be guards.
  scope.addHook('preParsing', (request: MarkedRequest, _reply, _payload, done) => {
    request[parsing] = true
    done()
  })
  // Forms, other types of JSON, and types to be refused reach the routes as they came.
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** What a parser made of the body. One that leaves the stream unread, as those of multipart do, leaves it to the routes. */
export function readBody({ body, raw }: FastifyRequest): RequestBody {
  return body === undefined && !raw.readableEnded ? nodeBody(raw) : { parsed: body }
}

/**
 * Whether an error is what a parser of Fastify ended with, on a request that needs its body. Nothing else may be taken
 * for it: the routes would answer where the app has refused, or where its later guards have not been asked.
 */
export function isParserError(error: FastifyError, request: MarkedRequest): boolean {
  if (/^(GET|HEAD|OPTIONS)$/.test(request.method)) return false
  if (request[parsing] !== true || request.body !== undefined) return false
  // Earlier releases leave a JSON parser's error as it is. Guards may throw the like, also where nothing was parsed.
  if (error instanceof SyntaxError && error.statusCode === 400) return request.raw.readableDidRead
  return /^FST_ERR_(CTP_|ROUTE_MISSING_CONTENT_TYPE$)/.test(error.code)
}

/** Fastify's own JSON parser, but for the empty body, which it refuses and which stands for no arguments here. */
function acceptEmptyJson(scope: FastifyInstance): void {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = scope.initialConfig
  const parse = scope.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning)
  try {
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) =>
      body === '' ? done(null, {}) : parse(request, body, done),
    )
  } catch (error) {
    if ((error as FastifyError).code !== 'FST_ERR_CTP_ALREADY_PRESENT') throw error
  }
}
