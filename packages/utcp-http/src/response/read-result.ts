import { UtcpError } from '@atp/utcp'
import { charsetOf, isBinaryType, isJsonType, mediaTypeOf } from './media-type.ts'
import { ownBytes } from './read-body.ts'

const utf8 = new TextDecoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The result of an answer: JSON for JSON types, text for texts, bytes for binary types. A type that is neither is text
 * where its bytes are UTF-8. An empty answer of a JSON type is null.
 * @throws UtcpError `invalid_response` for JSON that is none
 */
export function readResult(bytes: Uint8Array<ArrayBuffer>, contentType: string | null, what: string): unknown {
  const type = mediaTypeOf(contentType)
  if (isJsonType(type)) return readJson(bytes, what)
  if (isBinaryType(type)) return ownBytes(bytes)
  const charset = charsetOf(contentType)
  if (charset !== undefined || type.startsWith('text/')) return decodeText(bytes, charset)
  return utf8Text(bytes) ?? ownBytes(bytes)
}

/** JSON in UTF-8; null of nothing. @throws UtcpError `invalid_response` */
export function readJson(bytes: Uint8Array, what: string): unknown {
  const text = utf8.decode(bytes)
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UtcpError('invalid_response', `${what} answered what is not valid JSON`, { cause: error })
  }
}

/** The text of bytes that are UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Text in the charset that an answer names, or UTF-8; what does not belong there becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  return decoderFor(charset).decode(bytes)
}

function decoderFor(charset: string | undefined): TextDecoder {
  try {
    return charset === undefined ? utf8 : new TextDecoder(charset)
  } catch {
    // A charset that nobody knows.
    return utf8
  }
}
