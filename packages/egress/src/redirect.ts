import { meansLoopback } from './address-rules.ts'
import { egressRefused, upstreamFailed } from './egress-error.ts'
import { bareHost } from './egress-policy.ts'
import { withoutBodyHeaders, withoutSecrets } from './outgoing-headers.ts'
import { type OutgoingRequest, readUrl, shownUrl } from './outgoing-request.ts'

const followed: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Where an answer wants the client to go; none when it is not a redirect. */
export function redirectLocation(status: number, location: string | string[] | undefined): string | undefined {
  const first = Array.isArray(location) ? location[0] : location
  // Header bytes arrive as Latin-1; those who put anything beyond ASCII there mean UTF-8.
  return followed.has(status) && first !== undefined ? Buffer.from(first, 'latin1').toString('utf8') : undefined
}

/**
 * The request of the next hop (rule E5). 303 becomes a GET without a body, the others keep method and body. Another
 * origin gets no credentials, no body, and none of the query keys that the caller's own URL had; what was lost on the
 * way stays lost. Throws `egress_refused` for a way into loopback from outside, and for whatever is no URL.
 */
export function nextHop(
  hop: OutgoingRequest,
  status: number,
  location: string,
  caller: { url: URL; secretHeaders: readonly string[] },
): OutgoingRequest {
  const url = readUrl(location, hop.url)
  if (meansLoopback(bareHost(url.hostname)) && !meansLoopback(bareHost(hop.url.hostname))) {
    throw egressRefused('E5', shownUrl(url), `a redirect from ${shownUrl(hop.url)} must not lead into this machine`)
  }
  const crosses = url.origin !== hop.url.origin
  const becomesGet = status === 303 && hop.method !== 'HEAD'
  let { headers, body } = hop
  if (crosses || becomesGet) {
    headers = withoutBodyHeaders(headers)
    body = undefined
  }
  if (crosses) {
    headers = withoutSecrets(headers, caller.secretHeaders)
    url.search = withoutKeys(url.search, new Set(caller.url.searchParams.keys()))
  }
  if (body !== undefined && !(body instanceof Uint8Array)) {
    throw upstreamFailed(shownUrl(hop.url), 'redirects a streamed body, which cannot be sent again', undefined, false)
  }
  return { method: becomesGet ? 'GET' : hop.method, url, headers, body }
}

/** The rest stays as it is written: it may be signed. */
function withoutKeys(search: string, names: ReadonlySet<string>): string {
  const parts = search.slice(1).split('&')
  // The ampersand keeps a question mark that belongs to the name from being taken off.
  const isKept = (part: string): boolean =>
    [...new URLSearchParams(`&${part}`).keys()].every((name) => !names.has(name))
  return parts.filter(isKept).join('&')
}
