import { AtpError } from '@atp/core'
import { bodyError } from '@atp/core/http'
import { keepBodyFailure } from './body-failures.ts'
import { isOurHandler } from './route-mark.ts'

/** What is used of an Express app. */
export interface ExpressApp {
  use(handler: ErrorMiddleware): unknown
  readonly router: { readonly stack: readonly Layer[] }
}

interface Layer {
  readonly route?: { readonly stack: readonly { readonly handle: object }[] }
  match(path: string): boolean
}

type ErrorMiddleware = (error: ParserError, request: ParsedRequest, response: unknown, next: Next) => void
type ParsedRequest = { readonly method: string; readonly path: string }
type Next = (error?: unknown) => void
type ParserError = Error & {
  readonly type?: unknown
  readonly code?: unknown
  readonly status?: number
  readonly body?: unknown
}

/**
 * Lets requests to our routes go on where a body parser failed: middleware, guards and interceptors run, and the routes
 * answer when they come to the body. To be called after the app's parsers were added and before its routes are.
 */
export function continueOnExpress(app: ExpressApp): void {
  app.use((error, request, _response, next) => {
    // Middleware between the parser and here was skipped, so nothing may be answered but a refusal: no tool runs without
    // its body, and these methods would be served.
    const isReading = /^(GET|HEAD|OPTIONS)$/.test(request.method)
    if (isReading || !isParserError(error) || !isOurPath(app, request.path)) return next(error)
    keepBodyFailure(request, toAtpError(error))
    next()
  })
}

/** What body-parser ends with; what an app's own `verify` refused is the app's to answer. */
function isParserError({ type, code, status }: ParserError): boolean {
  // A compressed body that cannot be read: it passes on what zlib says, with a status.
  if (type === undefined) return typeof code === 'string' && code.startsWith('Z_') && status === 400
  return (
    typeof type === 'string' &&
    /^(entity|encoding|charset|parameters|querystring)\./.test(type) &&
    type !== 'entity.verify.failed'
  )
}

function toAtpError({ type, status, message, body }: ParserError): AtpError {
  if (type === 'entity.parse.failed' && isJsonScalar(body)) {
    return new AtpError('invalid_params', 'The arguments of a tool must be a JSON object')
  }
  // A form with too many fields is badly made; only a body that is too large is that.
  return bodyError(type === 'entity.too.large' || status === 415 ? status : undefined, message)
}

/** The JSON parser calls everything broken that is neither object nor list. */
function isJsonScalar(body: unknown): boolean {
  if (typeof body !== 'string' || /^\s*[{[]/.test(body)) return false
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}

function isOurPath(app: ExpressApp, path: string): boolean {
  return app.router.stack.some((layer) => {
    const handler = layer.route?.stack[0]?.handle
    return handler !== undefined && isOurHandler(handler) && layer.match(path)
  })
}
