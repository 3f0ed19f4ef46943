import type { Auth, OAuth2Auth } from '@atp/utcp'
import { applyAuth } from './auth/apply-auth.ts'
import type { TokenSource } from './auth/token-source.ts'
import type { Outbound, OutboundAnswer, OutboundRequest } from './outbound/outbound.ts'
import { originOf, refused } from './outbound/refused.ts'
import type { BuiltRequest } from './request/build-request.ts'
import { httpError } from './response/http-error.ts'

/** What the protocols of one kind share. */
export interface Connection {
  readonly outbound: Outbound
  readonly tokens: TokenSource
}

/** How a request is sent. */
export interface SendOptions {
  readonly auth: Auth | undefined
  readonly redirect: 'follow' | 'error'
  /** Whether the template was written down by who runs this process: it may lead to this machine then. */
  readonly isLocal: boolean
  readonly signal: AbortSignal
}

/** An answer of a status below 400, and how messages name where it comes from. */
export interface Answer {
  readonly response: OutboundAnswer
  readonly what: string
}

/**
 * Adds the credentials and sends a request. An access token that is refused (401) is dropped, and the request sent once
 * more with a new one. Credentials and all headers that the template asks for stay with the origin.
 * @throws UtcpError `http_error` for an answer of status 400 and above
 */
export async function sendRequest(
  { outbound, tokens }: Connection,
  request: BuiltRequest,
  { auth, redirect, isLocal, signal }: SendOptions,
): Promise<Answer> {
  const oauth = auth?.auth_type === 'oauth2' ? (auth as OAuth2Auth) : undefined
  const secrets = auth === undefined || oauth !== undefined ? [] : applyAuth(request, auth)
  const send = (): Promise<OutboundAnswer> => outbound.send(toOutbound(request, { redirect, isLocal, signal }))
  const what = `${request.method} ${originOf(request.url)}`
  if (oauth === undefined) return checked(await send(), what, secrets)

  const token = await tokens.get(oauth, isLocal, signal)
  const authorize = (text: string): void =>
    request.headers.set('Authorization', `Bearer ${text}`, 'invalid_call_template')
  authorize(token.text)
  const response = await send()
  if (response.status !== 401 || !isSameOrigin(response, request)) return checked(response, what, [token.text])
  response.discard()
  const renewed = await tokens.renew(oauth, isLocal, token, signal)
  authorize(renewed.text)
  return checked(await send(), what, [token.text, renewed.text])
}

/** Refuses every answer of a status from 300 to 399, also those that lead nowhere: streams follow no redirect. */
export function refuseRedirect({ response }: Answer, request: BuiltRequest): void {
  if (response.status < 300) return
  response.discard()
  throw refused('E5', request.url, `it answers ${response.status}, and redirects are not followed`)
}

async function checked(response: OutboundAnswer, what: string, secrets: readonly string[]): Promise<Answer> {
  if (response.status >= 400) throw await httpError(response, what, secrets)
  return { response, what }
}

function toOutbound(
  { method, url, headers, body, hasArgumentHost }: BuiltRequest,
  { isLocal, ...options }: Pick<OutboundRequest, 'redirect' | 'isLocal' | 'signal'>,
): OutboundRequest {
  return {
    ...{ method, url, headers: headers.toRecord(), body, ...options },
    // Whoever gives the arguments does not decide whether this machine is open.
    isLocal: isLocal && !hasArgumentHost,
    secretHeaders: headers.names.filter((name) => !harmless.has(name)),
  }
}

/** Say nothing about who asks. */
const harmless: ReadonlySet<string> = new Set(['accept', 'accept-language', 'content-type', 'user-agent'])

/** Another origin never got the token, so it has not refused it. */
function isSameOrigin(response: OutboundAnswer, request: BuiltRequest): boolean {
  return !response.redirected || URL.parse(response.url)?.origin === URL.parse(request.url)?.origin
}
