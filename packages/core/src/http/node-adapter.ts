import type { CancelSignal } from '../dispatch/cancel-signal.ts'
import { AtpError } from '../errors/atp-error.ts'
import type { AtpResponse, RequestBody } from './http-messages.ts'
import { type NodeReadable, readNodeStream } from './read-bytes.ts'

/** The part of Node's `ServerResponse` that answering needs. */
export interface NodeResponse {
  statusCode: number
  readonly destroyed: boolean
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
  flushHeaders?(): void
  write(text: string): boolean
  end(text?: string): unknown
  once(event: 'drain' | 'close', listener: () => void): unknown
  removeListener(event: 'drain' | 'close', listener: () => void): unknown
}

/** The body of a Node request: what a parser of the app left in `body`, else the stream itself. */
export function nodeBody(request: NodeReadable & { readonly body?: unknown }): RequestBody {
  const { body } = request
  // Raw text is bytes that have been decoded.
  if (typeof body === 'string') return { read: async () => new TextEncoder().encode(body) }
  // Some middlewares put an empty object where no parser has read anything.
  const unread = request.readableDidRead === false && request.readableEnded === false
  if (body !== undefined && !(unread && isEmptyObject(body))) return { parsed: body }
  return { read: (maxBytes) => readNodeStream(request, maxBytes) }
}

/**
 * Aborts when a response is over: the client went away, or the app answered by itself, as a middleware for timeouts
 * does. A call that has its outcome listens no more.
 */
export function closeSignal(response: NodeResponse): CancelSignal {
  return new CloseSignal(response)
}

/** Most calls end before anybody would listen, so the response hears of a listener when there is one. */
class CloseSignal implements CancelSignal {
  readonly reason = 'The client disconnected'
  readonly #response: NodeResponse

  constructor(response: NodeResponse) {
    this.#response = response
  }

  get aborted(): boolean {
    return this.#response.destroyed
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#response.once('close', listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#response.removeListener('close', listener)
  }
}

/**
 * Writes an answer; events as fast as the client reads them, and no longer than it stays. Where the app has answered in
 * the meantime, such as a middleware for timeouts, the answer is dropped.
 */
export async function writeNodeResponse(response: NodeResponse, answer: AtpResponse): Promise<void> {
  if (response.headersSent) return dropAnswer(answer)
  response.statusCode = answer.status
  for (const name in answer.headers) response.setHeader(name, answer.headers[name] as string)
  const { body } = answer
  if (body === undefined) response.end()
  else if (typeof body === 'string') response.end(body)
  else await writeEvents(response, body)
}

/**
 * The error a body parser of the app failed with, in our words: status 413 is `payload_too_large`, 415 is
 * `unsupported_media_type`, anything else `invalid_json`.
 */
export function bodyError(status: number | undefined, message: string): AtpError {
  if (status === 413) return new AtpError('payload_too_large', message)
  if (status === 415) return new AtpError('unsupported_media_type', message)
  return new AtpError('invalid_json', message)
}

async function writeEvents(response: NodeResponse, events: AsyncIterable<string>): Promise<void> {
  const iterator = events[Symbol.asyncIterator]()
  // The client may go while we wait for the next event.
  const stop = (): void => void iterator.return?.()
  response.once('close', stop)
  if (response.destroyed) stop()
  else response.flushHeaders?.()
  for (;;) {
    const step = await iterator.next()
    if (step.done || response.destroyed) break
    if (!response.write(step.value)) await drained(response)
  }
  response.removeListener('close', stop)
  response.end()
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Ends an answer that nobody will read: its events would wait for their call's deadline. */
export async function dropAnswer({ body }: AtpResponse): Promise<void> {
  if (typeof body === 'object') await body[Symbol.asyncIterator]().return?.()
}

function drained(response: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.removeListener('drain', go)
      response.removeListener('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
    if (response.destroyed) go()
  })
}
