import { pipeline, type Readable, Transform } from 'node:stream'
import { bodyError } from '@atp/core/http'
import { BadRequestException } from '@nestjs/common'
import { keepBodyFailure } from './body-failures.ts'
import { isOurConfig } from './route-mark.ts'

/** What is used of a Fastify app. */
export interface FastifyApp {
  addHook(name: 'onRoute', hook: (route: Route) => void): unknown
}

interface Route {
  readonly config?: object
  readonly handler: (this: unknown, request: Request, reply: unknown) => unknown
  bodyLimit?: number
  preParsing?: unknown
  preValidation?: unknown
  errorHandler?: (this: unknown, error: ParserError, request: Request, reply: unknown) => unknown
}

type Headers = Record<string, unknown>
type Done = (error?: null, payload?: Readable) => void

interface Request {
  readonly method: string
  /** Node's own, or a copy with what a hook of the app has set over them. */
  headers: Headers
  readonly raw: { readonly headers: Headers }
  readonly server: { hasContentTypeParser(type: string): boolean }
}

type ParserError = Error & { readonly code?: string; readonly statusCode?: number }

/**
 * Lets requests to our routes go on where a body parser failed, or where there is none: guards and interceptors run,
 * and the routes answer when they come to the body. To be called before the app's routes are added.
 */
export function continueOnFastify(app: FastifyApp): void {
  app.addHook('onRoute', (route) => {
    if (!isOurConfig(route.config)) return
    const { handler, errorHandler = rethrow } = route
    route.preParsing = [route.preParsing ?? [], leaveUnread].flat()
    route.preValidation = [showHeaders, route.preValidation ?? []].flat()
    route.errorHandler = function (error, request, reply) {
      revealHeaders(request)
      // The app's later hooks do not run any more: no tool may run either, whatever was wrong, and nothing may be
      // answered but a refusal. These methods would be served.
      const isReading = /^(GET|HEAD|OPTIONS)$/.test(request.method)
      if (isReading || !isParserError(error)) return errorHandler.call(this, error, request, reply)
      keepBodyFailure(request, bodyError(error.statusCode, error.message))
      return handler.call(this, request, reply)
    }
  })
}

/** The types that Nest has parsers for. */
const parsedTypes = ['application/json', 'application/x-www-form-urlencoded']

const bodyHeaders = ['content-type', 'content-length', 'transfer-encoding']
const hiddenHeaders = new WeakMap<Request, Headers>()

/**
 * Fastify refuses empty JSON, and bodies it has no parser for, before any guard could look at the request; and a parser
 * for our routes alone cannot be added to the app. Without the headers that tell of a body, it is left for the routes to
 * read.
 */
function leaveUnread(request: Request, _reply: unknown, payload: Readable, done: Done): void {
  const { headers } = request
  const type = headers['content-type']?.toString().split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isParsed = parsedTypes.includes(type) && request.server.hasContentTypeParser(type)
  const length = headers['content-length']
  if (!isParsed || length === '0') hideHeaders(request)
  const mayBeEmpty = isParsed && type === 'application/json' && length === undefined
  done(null, mayBeEmpty ? neverEmpty(payload) : undefined)
}

/** Whether JSON of unknown length is empty shows only when it ends. The app's hooks and guards see what it stands for. */
function neverEmpty(payload: Readable): Readable {
  let isEmpty = true
  const filled = new Transform({
    transform(chunk, _encoding, pass) {
      isEmpty = false
      pass(null, chunk)
    },
    flush: (pass) => pass(null, isEmpty ? '{}' : undefined),
  })
  // What fails shows in the stream itself.
  return pipeline(payload, filled, () => {})
}

function rethrow(error: unknown): never {
  throw error
}

function showHeaders(request: Request, _reply: unknown, done: () => void): void {
  revealHeaders(request)
  done()
}

function hideHeaders(request: Request): void {
  const { headers } = request
  const shown = bodyHeaders.filter((name) => headers[name] !== undefined)
  if (shown.length === 0) return
  hiddenHeaders.set(request, Object.fromEntries(shown.map((name) => [name, headers[name]])))
  setHeaders(request, Object.fromEntries(shown.map((name) => [name, undefined])))
}

function revealHeaders(request: Request): void {
  const hidden = hiddenHeaders.get(request)
  if (hidden === undefined) return
  hiddenHeaders.delete(request)
  setHeaders(request, hidden)
}

/**
 * Changes these headers and no others: hooks of the app may have changed any, in the object or by a new one, and guards
 * trust what they left.
 */
function setHeaders(request: Request, headers: Headers): void {
  Object.assign(request.raw.headers, headers)
  if (request.headers !== request.raw.headers) request.headers = { ...request.headers, ...headers }
}

/**
 * What Fastify's parsers and those of Nest end with. Nothing else may be taken for it: the routes would go on where the
 * app has refused a request.
 */
function isParserError(error: ParserError): boolean {
  if (error instanceof BadRequestException) return error.message === 'Object contains forbidden prototype property'
  const { code = '' } = error
  return code.startsWith('FST_ERR_CTP_') || code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE'
}
