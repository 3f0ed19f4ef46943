import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { type ErrorCode, isErrorCode } from '../errors/codes.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { answerLimits, isJsonObject, type JsonLimits, parseJson } from '../protocol/json.ts'

/** One request to a server. */
export interface HttpRequest {
  /** Holds no key: it is named in errors. */
  url: string
  /** Sent as `Authorization: Bearer`; left out where the body holds the key. */
  apiKey?: string | undefined
  /** JSON to be posted; without it the request is a GET. */
  body?: string | undefined
  /** @default 'application/json' */
  accept?: string | undefined
  /** Further headers. */
  headers?: Record<string, string> | undefined
  timeoutMs: number
  /** The caller's own. */
  signal?: AbortSignal | undefined
  /** Ends with the client. */
  closed: AbortSignal
  /** What a 404 in ATP's own form means where it does not say. @default 'not_found' */
  missing?: ErrorCode | undefined
  fetch: typeof fetch
}

/** A result or a context, three levels down in the body. */
const bodyLimits: JsonLimits = { ...answerLimits, maxDepth: answerLimits.maxDepth + 3 }

/** What a peer may ask to be waited for; a longer wait is nobody's patience. */
const maxRetryAfterMs = 600_000

/** What a status means where the body does not say: an answer of a proxy. */
const codesByStatus = new Map<number, ErrorCode>([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [410, 'gone'],
  [413, 'payload_too_large'],
  [429, 'rate_limited'],
])

/**
 * Sends one request and reads its JSON answer. Redirects are not followed: they would take a key elsewhere.
 * @throws AtpError as {@link exchange}, and `protocol_error` for an answer that is no JSON
 */
export function requestJson(request: HttpRequest): Promise<unknown> {
  return exchange(request, (response) => readJson(request.url, response))
}

/**
 * Sends one request and lets `read` read its answer, within the same time.
 * @throws AtpError what the server says, else what its status means, with `details: { status, retryAfterMs? }`;
 * `connection_failed`, `deadline_exceeded`; `cancelled` and `client_stopped` for the two signals.
 */
export async function exchange<T>(request: HttpRequest, read: (response: Response) => Promise<T>): Promise<T> {
  const { url, apiKey, body, accept = 'application/json', timeoutMs, signal: caller, closed } = request
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs))
  try {
    const response = await request.fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        accept,
        ...request.headers,
      },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.any([timeout, closed, ...(caller ? [caller] : [])]),
    })
    if (!response.ok) throw statusError(request, response, await response.text())
    return await read(response)
  } catch (error) {
    if (caller?.aborted) throw cancelledError(caller.reason)
    if (closed.aborted) throw new AtpError('client_stopped', 'The client was closed', { cause: error })
    if (timeout.aborted) throw new AtpError('deadline_exceeded', `${url} did not answer within ${timeoutMs} ms`)
    if (isAtpError(error)) throw error
    throw new AtpError('connection_failed', `Cannot reach ${url}: ${causeText(error)}`, { cause: error })
  }
}

/** Reads the body of an answer. @throws AtpError `protocol_error` when it is no JSON */
export async function readJson(url: string, response: Response): Promise<unknown> {
  return parseAnswer(url, await response.text())
}

/** Reads JSON that an address answered. @throws AtpError `protocol_error` */
export function parseAnswer(url: string, text: string): unknown {
  try {
    return parseJson(text, bodyLimits)
  } catch (error) {
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${errorText(error)}`, { cause: error })
  }
}

function statusError(
  { url, missing = 'not_found' }: HttpRequest,
  { status, headers }: Response,
  text: string,
): AtpError {
  let code: ErrorCode = codesByStatus.get(status) ?? (status >= 500 ? 'connection_failed' : 'protocol_error')
  let message = `${url} answered ${status}`
  // Where a platform hides the status of a redirect it is 0.
  if (status < 400) message += ': it redirects, so give the address it leads to as baseUrl'
  try {
    const body = parseJson(text)
    if (isJsonObject(body)) {
      // Founding servers name no codes. A 404 in another form is that of a server without such an address.
      if (typeof body.error === 'string') {
        message = body.error
        if (status === 404) code = missing
      }
      if (isErrorCode(body.code)) {
        code = body.code
        // RFC 9457, as below /api/v2.
        if (typeof body.detail === 'string') message = body.detail
      }
    }
  } catch {
    // A proxy's page: the status says enough.
  }
  const retryAfterMs = readRetryAfter(headers.get('retry-after'))
  return new AtpError(code, message, { details: { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } })
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return ms >= 0 ? Math.min(ms, maxRetryAfterMs) : undefined
}

/** `fetch failed` says nothing; what it was caused by does. */
function causeText(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || message || String(error)
}
