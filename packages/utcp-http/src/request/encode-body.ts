import { UtcpError } from '@atp/utcp'
import { isJsonType, mediaTypeOf } from '../response/media-type.ts'
import { jsonText } from './argument-text.ts'
import { type QueryStyle, queryPairs } from './query-pairs.ts'

/**
 * Writes an argument as a body: JSON types as JSON, texts too; forms urlencoded, unless they are texts already; for other
 * types texts and bytes as they are, and all else as JSON.
 * @throws UtcpError `invalid_arguments` for what the type does not have
 */
export function encodeBody(
  value: unknown,
  name: string,
  contentType: string,
  style: QueryStyle,
): string | Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(value)
  if (bytes !== undefined) return bytes
  const type = mediaTypeOf(contentType)
  if (isJsonType(type)) return jsonText(value, name)
  if (typeof value === 'string') return value
  if (type === 'application/x-www-form-urlencoded') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UtcpError('invalid_arguments', `The argument "${name}" is sent as a form and must be an object`, {
        path: name,
      })
    }
    const pairs = Object.entries(value).flatMap(([key, each]) => queryPairs(key, each, style))
    return new URLSearchParams(pairs.map(([key, text]) => [key, text])).toString()
  }
  return jsonText(value, name)
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!ArrayBuffer.isView(value)) return undefined
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
}
