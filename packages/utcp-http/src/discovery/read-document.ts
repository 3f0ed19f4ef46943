import { parseText, UtcpError } from '@atp/utcp'
import { mediaTypeOf } from '../response/media-type.ts'
import { decodeText } from '../response/read-result.ts'

/** What was found where a manual should be. */
export type FoundDocument = { kind: 'manual'; manual: Members } | { kind: 'openapi'; document: Members }

/** A JSON object. */
export type Members = Readonly<Record<string, unknown>>

/**
 * Reads a document as YAML where its type or one of its URLs says so, else as JSON, and tells what it is: `tools` make a manual, of
 * any version; `openapi`, `swagger` or `paths` an API description. An error that says 200 is neither.
 * @throws UtcpError `invalid_manual`
 */
export function readDocument(
  bytes: Uint8Array,
  contentType: string | null,
  urls: readonly string[],
  what: string,
): FoundDocument {
  const isYaml = mediaTypeOf(contentType).includes('yaml') || urls.some(namesYaml)
  const text = decodeText(bytes, 'utf-8')
  const value = isYaml ? parseText(text, 'yaml', 'invalid_manual') : readStrictJson(text, what)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = value as Members
    if (Array.isArray(members.tools)) return { kind: 'manual', manual: members }
    if (['openapi', 'swagger', 'paths'].some((name) => Object.hasOwn(members, name))) {
      return { kind: 'openapi', document: members }
    }
  }
  throw new UtcpError('invalid_manual', `${what} answered neither a manual (it has no tools) nor an OpenAPI document`)
}

function namesYaml(url: string): boolean {
  return /\.ya?ml$/i.test(URL.parse(url)?.pathname ?? '')
}

function readStrictJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new UtcpError('invalid_manual', `${what} answered what is not valid JSON`, { cause: error })
  }
}
