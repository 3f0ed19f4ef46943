import { AtpError } from '@atp/core'
import { egressRefused } from './egress-error.ts'
import { bareHost, type EgressPolicy, type Opening, openingOf, type Target } from './egress-policy.ts'
import { type OutgoingBody, type ReadBody, readBody } from './outgoing-body.ts'
import { type HeaderList, type HeadersLike, readHeaders } from './outgoing-headers.ts'

/** A request as the caller made it. */
export interface OutgoingRequest {
  method: string
  url: URL
  headers: HeaderList
  body: OutgoingBody
}

/** Neither tunnels nor echoes: fetch forbids them, too. */
const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
const upperCased: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])

/** Reads what was given to fetch. Throws `egress_refused` for what is no URL, `invalid_request` for the rest. */
export async function readRequest(
  input: string | URL | Request,
  init: RequestInit & { allowGetBody?: boolean },
): Promise<OutgoingRequest> {
  const source = typeof input === 'object' && 'method' in input ? input : undefined
  const given = init.body === undefined ? source?.body : init.body
  const headers = (init.headers ?? source?.headers) as Headers | undefined
  return toRequest(
    source?.url ?? String(input),
    { method: init.method ?? source?.method, headers, allowGetBody: init.allowGetBody },
    await readBody(given),
  )
}

/** Makes a request of what was given, its body read already. Throws as {@link readRequest}. */
export function toRequest(
  url: string,
  given: { method?: string | undefined; headers?: HeadersLike | undefined; allowGetBody?: boolean | undefined },
  { body, contentType }: ReadBody,
): OutgoingRequest {
  const method = readMethod(given.method ?? 'GET')
  if (body !== undefined && (method === 'HEAD' || (method === 'GET' && given.allowGetBody !== true))) {
    throw new AtpError('invalid_request', `A ${method} request has no body; send it with another method`)
  }
  const headers = readHeaders(given.headers, contentType)
  return { method, url: readUrl(url), headers, body }
}

/** The URL of a request or a redirect, without its fragment. Throws `egress_refused` (rule E2). */
export function readUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base)
  if (url === null) throw egressRefused('E2', 'the target', 'this is not an absolute URL')
  if (url.username !== '' || url.password !== '') {
    throw egressRefused('E2', shownUrl(url), 'a URL must not carry a user name or password')
  }
  url.hash = ''
  return url
}

/** Which addresses a URL may lead to. Throws `egress_refused` (rule E2). */
export function openingOfUrl(url: URL, policy: EgressPolicy): Opening {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw egressRefused('E2', shownUrl(url), 'only https is allowed')
  }
  return openingOf(targetOf(url), policy, shownUrl(url))
}

/** Where a URL leads. */
export function targetOf(url: Pick<URL, 'protocol' | 'hostname' | 'port'>): Target {
  const secure = url.protocol === 'https:'
  return { host: bareHost(url.hostname), port: Number(url.port || (secure ? 443 : 80)), secure }
}

/** What may be said of a URL in errors: paths and queries may hold keys. */
export function shownUrl(url: Pick<URL, 'protocol' | 'host'>): string {
  return `${url.protocol}//${url.host}`
}

function readMethod(method: string): string {
  const upper = method.toUpperCase()
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method) || forbiddenMethods.has(upper)) {
    throw new AtpError('invalid_request', `${JSON.stringify(method)} is not a method that can be sent`)
  }
  return upperCased.has(upper) ? upper : method
}
