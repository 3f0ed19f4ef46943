import { AtpError } from '../errors/atp-error.ts'

/** Where a client looks for its server when nothing else is said. */
export const defaultBaseUrl = 'http://127.0.0.1:4870'

/** What of a path is ours: `/ws/v2/toolkit`, `/ws/v1/atp/…`, `/api/v1/…`. Any other `/api/…` may be a proxy's. */
const endpoint = /\/(ws|api)\/v\d+(\/((atp|toolkit|llm|register_tool|execute_function)(\/.*)?)?)?$/

/**
 * Reads a base URL: http, https, ws or wss. A whole endpoint address, as the first Python releases wanted it, is
 * cut back to the server it belongs to; a path that a proxy puts in front stays.
 * @throws AtpError `invalid_config`
 */
export function readBaseUrl(baseUrl: string): { http: string; ws: string } {
  let url: URL
  try {
    url = new URL(baseUrl)
  } catch (error) {
    throw new AtpError('invalid_config', `baseUrl "${baseUrl}" is not a URL; give one such as ${defaultBaseUrl}`, {
      cause: error,
    })
  }
  // First of all, so that no other message repeats a password.
  if (url.username !== '' || url.password !== '') {
    throw new AtpError('invalid_config', 'baseUrl must not hold a user name or password; give the key as apiKey')
  }
  const scheme = { 'http:': '', 'ws:': '', 'https:': 's', 'wss:': 's' }[url.protocol]
  if (scheme === undefined) {
    throw new AtpError('invalid_config', `baseUrl "${baseUrl}" must begin with http, https, ws or wss`)
  }
  const path = url.pathname.replace(endpoint, '').replace(/\/+$/, '')
  return { http: `http${scheme}://${url.host}${path}`, ws: `ws${scheme}://${url.host}${path}` }
}
