import { type OAuth2Auth, UtcpError } from '@atp/utcp'
import type { Outbound } from '../outbound/outbound.ts'
import { originOf } from '../outbound/refused.ts'
import { cleanText, withoutSecrets } from '../response/http-error.ts'
import { readBytes } from '../response/read-body.ts'
import { decodeText } from '../response/read-result.ts'
import { base64 } from './base64.ts'

/** An access token; each answer of the token endpoint is one of its own, even with the same text. */
export interface AccessToken {
  readonly text: string
  /** By `Date.now()`: from then on it is not used any more. */
  readonly endsAt: number
}

/** How a client says who it is: in the form, or by HTTP Basic (RFC 6749, 2.3.1). */
export type ClientAuthentication = 'form' | 'basic'

/** What most servers mean when they do not say it, in seconds. */
const defaultLifetime = 3_600

/** Rule O10. */
const maxResponseBytes = 1_048_576

/** What the token endpoint answered when it gave no token. */
export interface Refusal {
  readonly error: UtcpError
  /** Whether the other way of authentication may work. */
  readonly mayTryOther: boolean
}

/**
 * Asks a token endpoint once (RFC 6749, 4.4.2). An empty scope is left out.
 * @throws whatever keeps it from being asked
 */
export async function requestToken(
  outbound: Outbound,
  auth: OAuth2Auth,
  way: ClientAuthentication,
  { isLocal, signal }: { isLocal: boolean; signal: AbortSignal },
): Promise<AccessToken | Refusal> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (way === 'form') {
    form.set('client_id', auth.client_id)
    form.set('client_secret', auth.client_secret)
  } else headers.authorization = `Basic ${base64(`${formEncoded(auth.client_id)}:${formEncoded(auth.client_secret)}`)}`
  if (auth.scope) form.set('scope', auth.scope)
  const response = await outbound.sendForToken({
    ...{ method: 'POST', url: auth.token_url, headers, body: form.toString() },
    ...{ secretHeaders: [], redirect: 'error', isLocal, signal },
  })
  const what = `The token endpoint ${originOf(auth.token_url)}`
  const text = decodeText(await readBytes(response, maxResponseBytes, what), 'utf-8')
  const { status } = response
  const answer = membersOf(text)
  const isOk = status >= 200 && status < 300
  const token = isOk ? answer.access_token : undefined
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
    return { text: token, endsAt: Date.now() + usableMs(answer.expires_in) }
  }
  const said = [answer.error, answer.error_description].filter((each) => typeof each === 'string').join(': ')
  const detail = withoutSecrets(cleanText(said), [auth.client_secret]).slice(0, 300)
  const message = `${what} gave no token (${status})${detail === '' ? '' : `: ${detail}`}`
  const retryable = status === 429 || status >= 500
  const code = status >= 400 ? 'http_error' : 'invalid_response'
  return { error: new UtcpError(code, message, { status, retryable }), mayTryOther: !retryable }
}

/** How long a token is used, in milliseconds: a tenth of its life less, at most a minute, for clocks and the way there. */
function usableMs(expiresIn: unknown): number {
  const seconds = Number(expiresIn ?? defaultLifetime)
  const lifetimeMs = (Number.isFinite(seconds) && seconds >= 0 ? seconds : defaultLifetime) * 1000
  return lifetimeMs - Math.min(60_000, lifetimeMs / 10)
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function membersOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
