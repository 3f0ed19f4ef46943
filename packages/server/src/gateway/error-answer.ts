import { type AtpError, toWireError } from '@atp/core'

/** Admin surfaces live below this prefix and answer errors as RFC 9457 problems. */
export const adminPrefix = '/api/v2'

/** RFC 9457 `type`: names the problem for ever, wherever the documentation lies. The code is explained in docs/errors.md. */
const problemType = 'urn:atp:error:'

/** An error as an HTTP answer. */
export interface ErrorAnswer {
  status: number
  /** In lower case, the content type among them. */
  headers: Record<string, string>
  body: Record<string, unknown>
}

/**
 * How an error is answered over HTTP: `{error, code, request_id}`, as RFC 9457 problem below {@link adminPrefix}.
 * @param status where HTTP has one of its own for this failure. @default the code's
 */
export function errorAnswer(
  error: AtpError,
  request: { id: string; url: string | undefined },
  status: number = error.status,
): ErrorAnswer {
  const { code, message, details } = toWireError(error)
  const headers: Record<string, string> = {}
  if (typeof details?.retryAfterMs === 'number') headers['retry-after'] = `${Math.ceil(details.retryAfterMs / 1_000)}`
  if (Array.isArray(details?.allow)) headers.allow = details.allow.join(', ')
  if (code === 'unauthorized') headers['www-authenticate'] = 'Bearer'
  if (!isAdminAddress(request.url ?? '')) {
    headers['content-type'] = 'application/json; charset=utf-8'
    return { status, headers, body: { error: message, code, request_id: request.id } }
  }
  headers['content-type'] = 'application/problem+json'
  const title = code.replaceAll('_', ' ')
  return {
    status,
    headers,
    body: { type: `${problemType}${code}`, title, status, detail: message, code, request_id: request.id },
  }
}

function isAdminAddress(url: string): boolean {
  return url.startsWith(adminPrefix) && /^[/?]?$/.test(url.charAt(adminPrefix.length))
}
