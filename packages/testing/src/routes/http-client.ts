import type { RoutesHost } from './route-behaviour.ts'

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined where it is not JSON or says that it is none. */
  readonly json: unknown
}

/** Headers of a request by name. */
export type RequestHeaders = Record<string, string>

/** Where a path of the host is. */
export function urlOf(host: RoutesHost, path: string): string {
  return `${host.url ?? 'http://atp.test'}${path}`
}

/** Requests by the signal that ends them: Node's fetch forgets the signal of one that was collected as garbage. */
const kept = new WeakMap<AbortSignal, Request>()

/** Sends a request and follows no redirect: that there is none is part of the contract. */
export function open(host: RoutesHost, path: string, init: RequestInit = {}): Promise<Response> {
  // A stream as body wants this word, and nothing else minds it.
  const half = init.body instanceof ReadableStream ? { duplex: 'half' } : {}
  const request = new Request(urlOf(host, path), { redirect: 'manual', ...half, ...init })
  if (init.signal) kept.set(init.signal, request)
  return host.fetch(request)
}

/** Sends a request and reads the whole answer. */
export async function send(host: RoutesHost, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await open(host, path, init)
  const text = await response.text()
  const isJson = /^application\/json\b/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, json: isJson ? parse(text) : undefined }
}

/** `GET`. */
export function get(host: RoutesHost, path: string, headers: RequestHeaders = {}): Promise<Answer> {
  return send(host, path, { headers })
}

/** `POST` of arguments as JSON. */
export function post(host: RoutesHost, path: string, args: unknown, headers: RequestHeaders = {}): Promise<Answer> {
  return postText(host, path, JSON.stringify(args), 'application/json', headers)
}

/** `POST` of a text with a content type, or with none. */
export function postText(
  host: RoutesHost,
  path: string,
  text: string,
  contentType: string | undefined,
  headers: RequestHeaders = {},
): Promise<Answer> {
  // Bytes: a string would bring a content type of its own.
  const body = new TextEncoder().encode(text)
  const type = contentType === undefined ? {} : { 'content-type': contentType }
  return send(host, path, { method: 'POST', headers: { ...type, ...headers }, body })
}

/** Runs a tool and gives its result. @throws Error when the answer is not 200 */
export async function call(host: RoutesHost, path: string, args: unknown, headers?: RequestHeaders): Promise<unknown> {
  const answer = await post(host, path, args, headers)
  if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text.slice(0, 500)}`)
  return (answer.json as { result?: unknown }).result
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
