import { AtpError } from '@atp/core'

const maxUrlLength = 2_048

/**
 * Checks the URL of an endpoint: what `/atp/TOOLKIT/TOOL` lies below. It may have a path and a query, which each call
 * keeps. Whether its host may be reached is asked at each call.
 * @param dev whether plain http to this machine is allowed (rule E2)
 * @throws AtpError `invalid_request`
 */
export function checkEndpointUrl(text: string, dev: boolean): void {
  if (text.length > maxUrlLength) throw invalid(`is longer than ${maxUrlLength} characters`)
  const url = URL.parse(text)
  if (url === null) throw invalid('is none, such as https://example.com/api')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && dev && isLoopback(url.hostname))) {
    throw invalid(`must be https${dev ? ', or http to this machine' : ''}`)
  }
  if (url.username !== '' || url.password !== '') throw invalid('must not carry a user name or password')
  if (text.includes('#')) throw invalid('must not have a fragment')
}

/** Where the calls of a tool are posted to. */
export function endpointCallUrl(base: string, toolkit: string, tool: string): URL {
  const url = new URL(base)
  // Without a slash at its end: some platforms redirect the other form, and redirects are not followed.
  const path = `/atp/${encodeURIComponent(toolkit)}/${encodeURIComponent(tool)}`
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  return url
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function invalid(what: string): AtpError {
  return new AtpError('invalid_request', `The URL of the endpoint ${what}`)
}
