import { isAtpError } from '@atp/core'
import { isUtcpError, UtcpError } from '@atp/utcp'
import { fetchedAnswer } from './fetched-answer.ts'
import { isLiteralLoopback, meansLoopback } from './loopback.ts'
import type { Outbound, OutboundAnswer, OutboundRequest } from './outbound.ts'
import { originOf, refused } from './refused.ts'

/** A `fetch` of the platform. */
export type PlainFetch = (url: string, init: RequestInit) => Promise<Response>

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Sends by a fetch that guards nothing. What the text of a URL tells is checked here; where a name leads to is not, and
 * is up to the platform. No redirect is followed: platforms keep credentials that another origin must not see.
 */
export function plainOutbound(given: PlainFetch, allowLoopback: boolean): Outbound {
  const send = async (request: OutboundRequest): Promise<OutboundAnswer> => {
    const { method, headers, body, signal } = request
    const url = checkedUrl(request.url, request.isLocal && allowLoopback)
    if (body !== undefined && method === 'GET') {
      throw new UtcpError('unsupported', 'A fetch of the platform sends no body with GET')
    }
    const response = await sent(
      given(url, { method, headers, signal, redirect: 'manual', body: body ?? null }),
      request,
    )
    if (response.type === 'opaqueredirect' || (redirects.has(response.status) && response.headers.has('location'))) {
      response.body?.cancel().catch(() => {})
      throw refused('E5', url, 'it redirects, which is not followed')
    }
    return fetchedAnswer(response, `${method} ${originOf(url)}`)
  }
  return { send, sendForToken: send, close: async () => {} }
}

/** Refuses by rules E2 and E3 what the text of a URL gives away. */
function checkedUrl(text: string, opensLoopback: boolean): string {
  const url = URL.parse(text)
  if (url === null) throw refused('E2', text, 'this is not an absolute URL')
  if (url.username !== '' || url.password !== '')
    throw refused('E2', text, 'a URL must not carry a user name or password')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('E2', text, 'only https is allowed')
  if (!(opensLoopback && isLiteralLoopback(url.hostname))) {
    if (url.protocol === 'http:') throw refused('E2', text, 'only encrypted connections are allowed')
    if (meansLoopback(url.hostname)) throw refused('E3', text, 'it means this machine')
    // An address needs no look-up that the platform could judge, and a public service has a name.
    if (/^(?:\[.*\]|[\d.]+)$/.test(url.hostname))
      throw refused('E3', text, 'addresses instead of names are not reached')
  }
  url.hash = ''
  return url.href
}

async function sent(response: Promise<Response>, { signal, url }: OutboundRequest): Promise<Response> {
  try {
    return await response
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (isUtcpError(error) || isAtpError(error)) throw error
    throw new UtcpError('connection_failed', `${originOf(url)} could not be reached`, { cause: error })
  }
}
