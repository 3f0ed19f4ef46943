import { type Auth, type ToolArguments, UtcpError } from '@atp/utcp'
import { argumentText } from './argument-text.ts'
import { encodeBody } from './encode-body.ts'
import { fillUrl } from './fill-url.ts'
import { HeaderSet } from './header-set.ts'
import { type QueryStyle, queryPairs, withQuery } from './query-pairs.ts'

/** What the call templates of this family have in common, with their defaults filled in. */
export interface RequestTemplate {
  readonly url: string
  /** Undefined: POST with a body, GET without. */
  readonly method: string | undefined
  readonly accept: string
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly headerFields: readonly string[] | undefined
  readonly bodyField: string | undefined
  readonly auth: Auth | undefined
}

/** A request that lacks only what `auth` adds. */
export interface BuiltRequest {
  readonly method: string
  url: string
  readonly headers: HeaderSet
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
  /** Whether an argument is in its scheme, host or port. */
  readonly hasArgumentHost: boolean
}

/**
 * Builds the request of a call (section 4 of the protocol's rules): arguments named in `header_fields` are headers, that
 * of `body_field` is the body, those that the URL names in braces are in it, each as often as it is named; the rest is the
 * query, whatever the method. Null is the same as absent.
 * @throws UtcpError `invalid_arguments`, `invalid_call_template`
 */
export function buildRequest(template: RequestTemplate, args: ToolArguments, style: QueryStyle): BuiltRequest {
  const { headerFields = [], bodyField } = template
  const filled = fillUrl(template.url, args)
  if (filled.hasAnyHost && template.auth !== undefined) {
    throw new UtcpError('invalid_call_template', 'Arguments choose the host: credentials are not sent there', {
      path: 'auth',
    })
  }
  const headers = readHeaders(template, args)
  const bodyValue = bodyField !== undefined && Object.hasOwn(args, bodyField) ? args[bodyField] : undefined
  const body = readBody(template, headers, bodyValue, style)
  const elsewhere = new Set([...filled.used, ...headerFields, bodyField])
  const rest = Object.keys(args).filter((name) => !elsewhere.has(name))
  const url = withQuery(
    filled.url,
    rest.flatMap((name) => queryPairs(name, args[name], style)),
  )
  const method = template.method ?? (body === undefined ? 'GET' : 'POST')
  return { method, url, headers, body, hasArgumentHost: filled.hasArgumentHost }
}

/** The request of a template without arguments: a discovery. Braces in its URL stay as they are. */
export function plainRequest(template: RequestTemplate): BuiltRequest {
  const headers = readHeaders(template, {})
  return { method: template.method ?? 'GET', url: template.url, headers, body: undefined, hasArgumentHost: false }
}

function readHeaders(
  { headers: own = {}, headerFields = [], accept }: RequestTemplate,
  args: ToolArguments,
): HeaderSet {
  const headers = new HeaderSet()
  headers.set('Accept', accept, 'invalid_call_template')
  for (const [name, value] of Object.entries(own)) headers.set(name, value, 'invalid_call_template')
  for (const name of headerFields) {
    const text = Object.hasOwn(args, name) ? argumentText(args[name], name) : undefined
    if (text !== undefined) headers.set(name, text, 'invalid_arguments')
  }
  return headers
}

function readBody(
  { contentType, bodyField = '' }: RequestTemplate,
  headers: HeaderSet,
  value: unknown,
  style: QueryStyle,
): BuiltRequest['body'] {
  if (value === undefined || value === null) return undefined
  const declared = headers.get('content-type')
  if (declared === undefined) headers.set('Content-Type', contentType, 'invalid_call_template')
  return encodeBody(value, bodyField, declared ?? contentType, style)
}
