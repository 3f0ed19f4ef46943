import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { contentCodings, decoded, isKnownCoding } from './content-coding.ts'
import { upstreamTooLarge } from './egress-error.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What came back from the last hop. */
export interface IncomingAnswer {
  status: number
  statusText: string
  headers: IncomingHttpHeaders
  body: Readable
}

/** How an answer becomes a response. */
export interface ResponseOptions {
  method: string
  url: URL
  redirected: boolean
  maxResponseBytes: number
  /** The target as errors name it. */
  shown: string
  /** Turns whatever breaks the body into the error that its reader gets. */
  toError(error: unknown): unknown
  /** Called once, when the body has been read, has failed or is not wanted. */
  onEnd(): void
}

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Makes the response that the caller gets. Its body streams, decoded, and fails once it is larger than allowed (rule
 * E6): what arrives and what it unpacks to are both counted, since either may be endless while the other is small.
 * Throws `upstream_failed` for more than one content coding: each would multiply the work of the one before.
 */
export function toResponse(answer: IncomingAnswer, options: ResponseOptions): Response {
  const { status, statusText, body } = answer
  const codings = contentCodings(answer.headers['content-encoding'])
  if (codings.length > 1) throw upstreamTooLarge(options.shown, 'answered with more than one content coding')
  const coding = isKnownCoding(codings[0]) ? codings[0] : undefined
  const hasBody = options.method !== 'HEAD' && !withoutBody.has(status)
  const headers = readHeaders(answer.headers, hasBody && coding !== undefined)
  const stream = hasBody ? bodyStream(body, coding, options) : null
  const response = new Response(stream, { status, statusText, headers })
  if (!hasBody) {
    discard(body)
    options.onEnd()
  }
  return Object.defineProperties(response, {
    url: { value: options.url.href },
    redirected: { value: options.redirected },
  })
}

/** Lets go of a body that nobody will read, and of its connection unless it has ended already. */
export function discard(body: Readable): void {
  body.on('error', () => {}).destroy()
}

function readHeaders(from: IncomingHttpHeaders, isDecoded: boolean): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(from)) {
    // They describe the bytes on the wire, which nobody gets to see.
    if (isDecoded && (name === 'content-encoding' || name === 'content-length')) continue
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  return headers
}

function bodyStream(body: Readable, coding: string | undefined, options: ResponseOptions): ReadableStream<Bytes> {
  const raw = capped(body, options)
  const chunks = coding === undefined ? raw : capped(decoded(raw, coding), options)
  const fail = (controller: ReadableStreamDefaultController, error: unknown): void => {
    discard(body)
    controller.error(options.toError(error))
    options.onEnd()
  }
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next()
          if (!done) return controller.enqueue(value)
          controller.close()
          options.onEnd()
        } catch (error) {
          fail(controller, error)
        }
      },
      cancel() {
        discard(body)
        options.onEnd()
      },
    },
    // Nothing is read ahead: who does not read holds up the sender, not our memory.
    { highWaterMark: 0 },
  )
}

async function* capped(source: AsyncIterable<Bytes>, options: ResponseOptions): AsyncGenerator<Bytes> {
  let size = 0
  for await (const chunk of source) {
    size += chunk.byteLength
    if (size > options.maxResponseBytes) {
      throw upstreamTooLarge(options.shown, `answered more than ${options.maxResponseBytes} bytes`)
    }
    yield chunk
  }
}
