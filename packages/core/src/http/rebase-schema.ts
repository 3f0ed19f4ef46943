import { isJsonObject } from '../protocol/json.ts'
import { dataKeywords, type JsonSchema, namedSubschemas, referenceKeywords } from '../protocol/schema-limits.ts'

/**
 * Copies a schema for a place inside another document: references to its own root (`#/$defs/…`) and to its anchors
 * become pointers from the root of that document. Members that would make it a document of its own (`$id`, `$schema`)
 * or name a part for the whole document (`$anchor`) are left out; a part with an `$id` of its own stays as it is.
 * @param pointer the place, as a JSON Pointer (RFC 6901)
 */
export function rebaseSchema(schema: JsonSchema, pointer: string): JsonSchema {
  const anchors = new Map<string, string>()
  collectAnchors(schema, pointer, anchors)
  const { $id: _id, ...document } = schema
  return rebase(document, { pointer, anchors }) as JsonSchema
}

interface Place {
  pointer: string
  /** Where each anchor of the schema lies in the other document. */
  anchors: ReadonlyMap<string, string>
}

const anchorKeywords = new Set(['$anchor', '$dynamicAnchor', '$recursiveAnchor'])

function rebase(node: unknown, place: Place): unknown {
  if (Array.isArray(node)) return node.map((item) => rebase(item, place))
  if (!isJsonObject(node) || '$id' in node) return node
  const entries = Object.entries(node).filter(([key]) => key !== '$schema' && !anchorKeywords.has(key))
  return Object.fromEntries(entries.map(([key, value]) => rebaseMember(key, value, place)))
}

function rebaseMember(key: string, value: unknown, place: Place): [string, unknown] {
  // Without anchors in the document, a dynamic reference is a plain one.
  if (referenceKeywords.has(key) && typeof value === 'string') return ['$ref', rebaseReference(value, place)]
  if (isData(key)) return [key, value]
  if (!namedSubschemas.has(key) || !isJsonObject(value)) return [key, rebase(value, place)]
  // Here the members are names of the author's, whatever they look like.
  return [key, Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, rebase(schema, place)]))]
}

function rebaseReference(reference: string, { pointer, anchors }: Place): string {
  if (/^#(\/|$)/.test(reference)) return `#${pointer}${reference.slice(1)}`
  const target = anchors.get(reference.slice(1))
  return target === undefined ? reference : `#${target}`
}

function collectAnchors(node: unknown, pointer: string, anchors: Map<string, string>): void {
  if (typeof node !== 'object' || node === null) return
  for (const [key, value] of Object.entries(node)) {
    if (anchorKeywords.has(key) && typeof value === 'string') anchors.set(value, pointer)
    else if (isData(key)) continue
    else if (namedSubschemas.has(key) && isJsonObject(value)) {
      for (const [name, schema] of Object.entries(value))
        collectAnchors(schema, step(step(pointer, key), name), anchors)
    } else if (!isJsonObject(value) || !('$id' in value)) collectAnchors(value, step(pointer, key), anchors)
  }
}

function isData(key: string): boolean {
  return dataKeywords.has(key) || key.startsWith('x-')
}

function step(pointer: string, name: string): string {
  const escaped = encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
  // Allowed in a fragment as it is, and every reader knows "$defs".
  return `${pointer}/${escaped.replaceAll('%24', '$')}`
}
