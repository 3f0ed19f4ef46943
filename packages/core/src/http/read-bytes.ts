import { AtpError } from '../errors/atp-error.ts'
import type { AtpRequest } from './http-messages.ts'

/** How long a body may take to arrive, in milliseconds (rules T1 and T11). */
export const bodyTimeoutMs = 30_000

/** How much of a body above the limit is thrown away before its sender is cut off, in bytes. */
const maxDiscardedBytes = 8_388_608

/** The part of Node's readable streams that reading a body needs. */
export interface NodeReadable {
  readonly readableDidRead?: boolean
  readonly readableEnded?: boolean
  readonly destroyed?: boolean
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  resume(): unknown
  destroy(): unknown
}

/**
 * Reads a Node stream to its end; undefined when somebody else has read it.
 * @throws AtpError `payload_too_large` above `maxBytes`, `invalid_request` when it does not arrive in time or cannot be
 * decoded, `cancelled` when the client goes away in between
 */
export function readNodeStream(stream: NodeReadable, maxBytes: number): Promise<Uint8Array | undefined> {
  // The events of either will never come again; one that ended without having been read was empty.
  if (stream.readableDidRead === true) return Promise.resolve(undefined)
  if (stream.readableEnded === true) return Promise.resolve(new Uint8Array())
  if (stream.destroyed === true) return Promise.reject(gone())
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    let settled = false
    const settle = (): void => {
      settled = true
      clearTimeout(timer)
    }
    const refuse = (error: AtpError): void => {
      settle()
      chunks.length = 0
      reject(error)
    }
    const timer = setTimeout(() => refuse(late()), bodyTimeoutMs)
    stream.on('data', (chunk) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      // What is left of it is thrown away, so that the answer can be read on the same connection; but not for ever.
      else if (!settled) refuse(tooLarge(maxBytes))
      else if (size > maxBytes + maxDiscardedBytes) stream.destroy()
    })
    stream.on('end', () => {
      settle()
      resolve(joinChunks(chunks, size))
    })
    stream.on('error', (error) => refuse(failed(error)))
    stream.on('close', () => {
      // It comes after each end, too, and an error with its stack is dear.
      if (!settled) refuse(gone())
    })
    // A stream that somebody has paused would wait for ever.
    stream.resume()
  })
}

/**
 * Reads a web request's body.
 * @throws AtpError `payload_too_large` above `maxBytes`, `invalid_request` when it does not arrive in time, `cancelled`
 * when the client goes away in between, `internal_error` when somebody else has read it
 */
export async function readWebBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.bodyUsed) throw readByAnother()
  // Whoever counted the length for us lets no more bytes through; reading in one go is much faster.
  if (request.headers.has('content-length')) {
    return new Uint8Array(await inTime(request.arrayBuffer()))
  }
  if (!request.body) return new Uint8Array()
  const reader = request.body.getReader()
  try {
    return await inTime(readAll(reader, maxBytes), (error) => error)
  } catch (error) {
    await reader.cancel().catch(() => {})
    throw error
  }
}

/**
 * Reads a web request's body as UTF-8.
 * @throws AtpError as {@link readWebBody}, sizes apart
 */
export function readWebText(request: Request): Promise<string> {
  return request.bodyUsed ? Promise.reject(readByAnother()) : inTime(request.text())
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch(rejectGone)
    if (done) return joinChunks(chunks, size)
    size += value.length
    chunks.push(value)
    if (size > maxBytes) throw tooLarge(maxBytes)
  }
}

/** Rejects when a body does not arrive in time; its other failures are that the client went away, or `failure`'s. */
function inTime<T>(reading: Promise<T>, failure: (error: unknown) => unknown = gone): Promise<T> {
  // By hand, because a race would cost small bodies as much as reading them.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), bodyTimeoutMs)
    reading.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(failure(error))
      },
    )
  })
}

/** How long the headers say that the body is, in bytes. */
export function announcedLength(request: AtpRequest): number | undefined {
  const text = request.header('content-length')
  return text === undefined ? undefined : Number(text)
}

/**
 * What the app does not decompress before us stays unread: a limit in bytes means nothing for it.
 * @throws AtpError `unsupported_media_type`
 */
export function refuseEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw new AtpError(
    'unsupported_media_type',
    `Content encoding "${encoding.slice(0, 40)}" is not supported; send the body as it is`,
  )
}

/** The error of a body above the limit. */
export function tooLarge(maxBytes: number): AtpError {
  return new AtpError('payload_too_large', `The body is larger than ${maxBytes} bytes`)
}

/** The error of a body that is not there any more: a fault of how the app is put together, not of its caller. */
export function readByAnother(): AtpError {
  return new AtpError(
    'internal_error',
    'The body was read before the routes of ATP, and no parser left it in the request; mount them before what reads it',
  )
}

function late(): AtpError {
  return new AtpError('invalid_request', `The body did not arrive within ${bodyTimeoutMs / 1_000} s`)
}

/** A client that goes away in the middle is one thing, a body that cannot be decoded another. */
function failed(cause: Error & { code?: unknown }): AtpError {
  if (cause.code === 'ECONNRESET' || cause.code === 'ABORT_ERR') return gone(cause)
  return new AtpError('invalid_request', 'The body cannot be read', { cause })
}

function gone(cause?: unknown): AtpError {
  return new AtpError('cancelled', 'The client went away before its request was read', { cause })
}

function rejectGone(error: unknown): never {
  throw gone(error)
}

function joinChunks(chunks: Uint8Array[], size: number): Uint8Array {
  const [first] = chunks
  if (first !== undefined && chunks.length === 1) return first
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
