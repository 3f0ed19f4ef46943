import { pythonJson } from './python-json.ts'

/** An answer as the SDK's HTTP library shows it. */
export interface LegacyAnswer {
  status: number
  headers: Headers
  text: string
  /** The parsed body; undefined when it is not JSON. */
  json: unknown
}

/** How a request differs from a plain GET. */
export interface LegacyRequest {
  /** Sent as JSON by POST. */
  body?: unknown
  headers?: Record<string, string>
  /** Gives up after this long, in milliseconds. @default none, as in most of the SDK */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** Sends one request and reads the whole answer, whatever its status. */
export async function legacyFetch(url: string, request: LegacyRequest = {}): Promise<LegacyAnswer> {
  const response = await openLegacy(url, request)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: readJson(text) }
}

/** Sends one request and leaves the body to be read. */
export async function openLegacy(url: string, request: LegacyRequest = {}): Promise<Response> {
  const { body, headers, timeoutMs, signal } = request
  const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)]
  const given = signals.filter((each) => each !== undefined)
  return fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : pythonJson(body) }),
    ...(given.length === 0 ? {} : { signal: AbortSignal.any(given) }),
  })
}

/** The base URL as the SDK uses it. */
export function trimBase(baseUrl: string): string {
  return baseUrl.replace(/\/$/, '')
}

/** The base URL of sockets. */
export function socketBase(baseUrl: string): string {
  return trimBase(baseUrl).replace(/^http/, 'ws')
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
