import { UtcpError } from '@atp/utcp'
import type { OutboundAnswer } from '../outbound/outbound.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** The chunks of a body. Leaving the loop lets go of the connection. */
export async function* bodyChunks(response: OutboundAnswer): AsyncGenerator<Bytes, void, undefined> {
  let isDone = false
  try {
    for (;;) {
      const chunk = await response.read()
      if (chunk === undefined) {
        isDone = true
        return
      }
      yield chunk
    }
  } finally {
    if (!isDone) response.discard()
  }
}

/**
 * Reads a whole body. Not by {@link bodyChunks}: most answers are one chunk, for which a generator is the larger part.
 * @throws UtcpError `response_too_large` beyond `maxBytes`
 */
export async function readBytes(response: OutboundAnswer, maxBytes: number, what: string): Promise<Bytes> {
  const chunks: Bytes[] = []
  let size = 0
  for (;;) {
    const chunk = await response.read()
    if (chunk === undefined) return joined(chunks, size)
    size += chunk.byteLength
    if (size > maxBytes) {
      response.discard()
      throw tooLarge(what, maxBytes)
    }
    chunks.push(chunk)
  }
}

/** Reads the beginning of a body and lets go of the rest; what breaks on the way is the end. */
export async function readBeginning(response: OutboundAnswer, maxBytes: number): Promise<Bytes> {
  const chunks: Bytes[] = []
  let size = 0
  try {
    for await (const chunk of bodyChunks(response)) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= maxBytes) break
    }
  } catch {
    // An error's body is worth what arrived of it.
  }
  return joined(chunks, size).subarray(0, maxBytes)
}

/** One piece made of all. */
export function joined(chunks: readonly Bytes[], size: number): Bytes {
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const all = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.byteLength
  }
  return all
}

/** Bytes with memory of their own: what arrives is a view on memory that Node shares, and a `Buffer`. */
export function ownBytes(bytes: Bytes): Bytes {
  return new Uint8Array(bytes)
}

/** The answer has more bytes than may be read. */
export function tooLarge(what: string, maxBytes: number): UtcpError {
  return new UtcpError('response_too_large', `${what} answered more than ${maxBytes} bytes`)
}
