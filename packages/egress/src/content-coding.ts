import { pipeline, type Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

type Bytes = Uint8Array<ArrayBuffer>
type DecoderFor = (firstByte: number) => Transform

const decoders: ReadonlyMap<string, DecoderFor> = new Map<string, DecoderFor>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  // Half of those who say `deflate` leave out the wrapper that the standard asks for; the first byte tells.
  ['deflate', (firstByte) => ((firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw())],
  // A sender could ask for gigabytes of window otherwise; RFC 9659 allows 8 MiB on the web.
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } })],
])

const none: readonly string[] = []

/** The codings that an answer names; `identity` is none. */
export function contentCodings(header: string | string[] | undefined): readonly string[] {
  if (header === undefined) return none
  const names = [header ?? []].flat().join(',').toLowerCase().split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/** Whether a coding can be undone here; the bytes of others are handed on as they are. */
export function isKnownCoding(coding: string | undefined): coding is string {
  return coding !== undefined && decoders.has(coding)
}

/**
 * Undoes a known coding. Throws what the decoder throws, also for bytes that end too early.
 * @param read gives the next bytes, or none at their end
 */
export async function* decoded(read: () => Promise<Bytes | undefined>, coding: string): AsyncGenerator<Bytes> {
  const first = await read()
  // A body of no bytes at all is what servers send under any coding, and decoders refuse.
  if (first === undefined) return
  const decoder = decoders.get(coding)?.(first[0] ?? 0)
  if (decoder === undefined) throw new TypeError(`The content coding ${coding} is not known`)
  const all = async function* (): AsyncGenerator<Bytes> {
    for (let chunk: Bytes | undefined = first; chunk !== undefined; chunk = await read()) yield chunk
  }
  // Errors on either side arrive at the reader of the decoder.
  pipeline(all, decoder, () => {})
  yield* decoder
}
