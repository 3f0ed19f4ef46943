import type { JsonSchema } from '../../protocol/schema-limits.ts'
import type { LoweringContext, Outcome, Place } from './lowering-context.ts'
import { createNotes, moveKeyword, moveKeywords, type Notes, writeDescription } from './notes.ts'

const annotationKeywords = ['title', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly']
const textKeywords = [
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
]
const numberKeywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format']
/** Keywords of any type that no provider takes. */
const logicKeywords = ['not', 'if', 'then', 'else', 'allOf']
/** Formats of numbers in OpenAPI; they say how a number is stored, not which ones there are. */
const numberFormats = new Set(['int32', 'int64', 'float', 'double', 'decimal'])

/** Writes texts, numbers, booleans, null, and values of any type (`types` is empty). */
export function lowerScalar(
  node: JsonSchema,
  types: readonly string[],
  place: Place,
  context: LoweringContext,
): Outcome {
  const notes = createNotes()
  if (types.length === 0) return lowerAny(node, notes, place, context)
  const schema: JsonSchema = { type: types.length === 1 ? types[0] : [...types] }
  if (types.includes('string')) keepKeywords(textKeywords, node, schema, notes, place, context)
  if (types.includes('number') || types.includes('integer'))
    keepKeywords(numberKeywords, node, schema, notes, place, context)
  return finish(node, schema, notes, place, context)
}

function lowerAny(node: JsonSchema, notes: Notes, place: Place, context: LoweringContext): Outcome {
  if (!context.rules.strict) return finish(node, {}, notes, place, context)
  context.change('value_as_json', place, 'a value of any type as JSON text', 'strict mode needs a type for every value')
  notes.sentences.push('Any JSON value, written as JSON text.')
  const outcome = finish(node, { type: 'string' }, notes, place, context)
  return typeof outcome === 'string' ? outcome : { ...outcome, fold: { kind: 'json' } }
}

function finish(node: JsonSchema, schema: JsonSchema, notes: Notes, place: Place, context: LoweringContext): Outcome {
  return { schema: describe(node, schema, notes, place, context), fold: undefined }
}

/** Adds what the author says of a value, and the notes, to its lowered schema. */
export function describe(
  node: JsonSchema,
  schema: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): JsonSchema {
  moveKeywords(logicKeywords, node, notes, place, context)
  const kept: JsonSchema = {}
  for (const key of annotationKeywords) {
    if (node[key] === undefined) continue
    // Of what says nothing but `false` there is nothing to say.
    if (context.rules.keywords.has(key)) kept[key] = node[key]
    else if (key !== 'title' && node[key] !== false) moveKeyword(key, node[key], notes, place, context)
  }
  for (const value of Object.values(kept)) context.write(JSON.stringify(value).length)
  const text = node.description ?? (context.rules.keywords.has('title') ? undefined : node.title)
  const description = writeDescription(text, notes, place, context)
  return { ...schema, ...kept, ...(description === undefined ? {} : { description }) }
}

/** Copies the keywords a provider takes, and moves the others into the notes. */
export function keepKeywords(
  keys: readonly string[],
  node: JsonSchema,
  schema: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): void {
  const { keywords, formats, lookaround, strict } = context.rules
  for (const key of keys) {
    const value = node[key]
    if (value === undefined || schema[key] !== undefined) continue
    if (strict && key === 'format' && numberFormats.has(value as string)) continue
    const isTaken =
      keywords.has(key) &&
      !(key === 'format' && formats?.has(value as string) === false) &&
      !(key === 'pattern' && !lookaround && looksAround(value as string))
    if (isTaken) schema[key] = value
    else if (notes.constraints[key] === undefined) moveKeyword(key, value, notes, place, context)
  }
}

/** Whether a pattern uses what regular expressions in the mathematical sense cannot: OpenAI refuses such patterns. */
export function looksAround(pattern: string): boolean {
  const plain = pattern.replaceAll(/\\[^1-9k]/g, '').replaceAll(/\[[^\]]*\]/g, '')
  return /\(\?<?[=!]/.test(plain) || /\\[1-9k]/.test(plain)
}
