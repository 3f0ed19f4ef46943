import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'

/** Bytes can be sent again after a redirect; a stream cannot. */
export type OutgoingBody = Uint8Array | Readable | undefined

/** What is sent, and the type that it has by itself. */
export interface ReadBody {
  body: OutgoingBody
  contentType: string | undefined
}

const noBody: ReadBody = { body: undefined, contentType: undefined }

/** Reads a text, bytes or nothing. */
export function readPlainBody(body: string | Uint8Array | null | undefined): ReadBody {
  if (body === null || body === undefined) return noBody
  if (typeof body === 'string') return { body: Buffer.from(body), contentType: 'text/plain;charset=UTF-8' }
  return { body, contentType: undefined }
}

/** Reads any body that fetch takes. */
export async function readBody(body: BodyInit | null | undefined): Promise<ReadBody> {
  if (body === null || body === undefined || typeof body === 'string') return readPlainBody(body)
  if (body instanceof ReadableStream) {
    return { body: Readable.fromWeb(body as NodeReadableStream<Uint8Array>), contentType: undefined }
  }
  // Forms and blobs know best themselves how they are written down.
  const carrier = new Response(body)
  const contentType = carrier.headers.get('content-type') ?? undefined
  return { body: new Uint8Array(await carrier.arrayBuffer()), contentType }
}
