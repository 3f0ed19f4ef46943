import { isJsonType, isNdjsonType, mediaTypeOf } from '../response/media-type.ts'
import { bodyChunks, ownBytes, readBytes, tooLarge } from '../response/read-body.ts'
import { readJson, utf8Text } from '../response/read-result.ts'
import type { Answer } from '../send-request.ts'
import { ByteLines } from './byte-lines.ts'
import { bytePieces } from './byte-pieces.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What a `streamable_http` answer is made of: its type decides. */
type PieceKind = 'lines' | 'json' | 'bytes'

function pieceKind({ response }: Answer): PieceKind {
  const type = mediaTypeOf(response.header('content-type'))
  if (isNdjsonType(type)) return 'lines'
  return isJsonType(type) ? 'json' : 'bytes'
}

/**
 * The pieces of an answer: the values of NDJSON, one a line; the one value of JSON; else bytes in pieces of `chunkSize`.
 * A line that is not JSON is its bytes.
 * @throws UtcpError `response_too_large` for a line or a value of more than `maxBytes`, `invalid_response` for bad JSON
 */
export async function* httpPieces(
  answer: Answer,
  { chunkSize, maxBytes }: { chunkSize: number; maxBytes: number },
): AsyncGenerator<unknown, void, undefined> {
  const { response, what } = answer
  switch (pieceKind(answer)) {
    case 'lines':
      return yield* lineValues(answer, maxBytes)
    case 'json': {
      const bytes = await readBytes(response, maxBytes, what)
      if (response.status !== 204) yield readJson(bytes, what)
      return
    }
    case 'bytes':
      return yield* bytePieces(bodyChunks(response), Math.min(chunkSize, maxBytes))
  }
}

/**
 * The whole of an answer: bytes as they are, or the list of its values; a line that is not JSON is in it as bytes.
 * @throws UtcpError as {@link httpPieces}; `maxBytes` is the most of all together
 */
export async function wholeResult(answer: Answer, maxBytes: number): Promise<unknown> {
  const { response, what } = answer
  const bytes = await readBytes(response, maxBytes, what)
  if (response.status === 204) return []
  switch (pieceKind(answer)) {
    case 'lines': {
      const lines = new ByteLines(maxBytes, () => tooLarge(what, maxBytes))
      return [...lines.feed(bytes), ...lines.end()].flatMap((line) => [...lineValue(line)])
    }
    case 'json':
      return [readJson(bytes, what)]
    case 'bytes':
      return ownBytes(bytes)
  }
}

async function* lineValues({ response, what }: Answer, maxBytes: number): AsyncGenerator<unknown, void, undefined> {
  const lines = new ByteLines(maxBytes, () => tooLarge(what, maxBytes))
  for await (const chunk of bodyChunks(response)) {
    for (const line of lines.feed(chunk)) yield* lineValue(line)
  }
  for (const line of lines.end()) yield* lineValue(line)
}

function* lineValue(line: Bytes): Generator<unknown, void, undefined> {
  const text = utf8Text(line)
  if (text?.trim() === '') return
  let value: unknown
  try {
    // Bytes that are not UTF-8 are as little JSON as an empty text.
    value = JSON.parse(text ?? '')
  } catch {
    // Dropping the line would lose data, failing would lose the others.
    value = ownBytes(line)
  }
  yield value
}
