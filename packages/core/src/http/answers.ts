import { errorCodes } from '../errors/codes.ts'
import { toWireError, type WireError } from '../errors/to-wire-error.ts'
import type { AtpResponse } from './http-messages.ts'

const jsonHeaders = { 'content-type': 'application/json; charset=utf-8' } as const

/** A 200 answer whose JSON text is known already. */
export function jsonAnswer(json: string): AtpResponse {
  return { status: 200, headers: jsonHeaders, body: json }
}

/** The answer to a failed request; `allow` lists the methods that a 405 has to name (RFC 9110, 15.5.6). */
export function errorAnswer(error: unknown, requestId: string, allow?: string): AtpResponse {
  return wireErrorAnswer(toWireError(error), requestId, allow)
}

/** The answer to a failed call. */
export function wireErrorAnswer(error: WireError, requestId: string, allow?: string): AtpResponse {
  const { status } = errorCodes[error.code]
  return {
    status,
    headers: {
      ...jsonHeaders,
      ...(status === 405 && allow !== undefined ? { allow } : {}),
      // RFC 9110, 11.6.1: a 401 names the way in.
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 429 ? { 'retry-after': '1' } : {}),
    },
    body: errorJson(error, requestId),
  }
}

/** An error as the routes tell it: the founding member `error`, and ours. */
export function errorJson({ code, message, retryable, details }: WireError, requestId: string): string {
  return JSON.stringify({ error: message, code, request_id: requestId, retryable, details })
}

/** The answer to OPTIONS: what may be done here (RFC 9110, 9.3.7). */
export function optionsAnswer(allow: string): AtpResponse {
  return { status: 200, headers: { allow, 'content-length': '0' }, body: undefined }
}

/** The answer to HEAD: that of GET, without its body but with its length. */
export function headAnswer(answer: AtpResponse): AtpResponse {
  if (typeof answer.body !== 'string') return answer
  const length = new TextEncoder().encode(answer.body).length
  return { ...answer, headers: { ...answer.headers, 'content-length': `${length}` }, body: undefined }
}
