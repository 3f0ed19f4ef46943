import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { fits } from './fits.ts'
import type { Fold, MemberFold } from './fold.ts'
import type { ObjectShape } from './lower-object.ts'
import { describe, looksAround } from './lower-scalar.ts'
import type { Lowered, LoweringContext, Outcome, Place } from './lowering-context.ts'
import { isPattern } from './read-node.ts'
import { isSchema } from './write-open-object.ts'

/**
 * Writes an object for a provider that enforces schemas: no other members than those named, all of them required. What
 * was optional may be null, and other members are a list of `{key, value}`.
 */
export function writeStrictObject(shape: ObjectShape, place: Place, context: LoweringContext): Outcome {
  const { node, members, required, others, notes } = shape
  const isRoot = place.depth === 0
  const isOpen = others !== 'closed' && !(others === 'any' && (members.size > 0 || isRoot))
  const value: Lowered = isSchema(others) ? others : anyValue
  if (others === 'any' && !isOpen)
    context.change('closed', place, 'no further members', 'strict mode allows named members only')
  if (isOpen && members.size === 0 && !isRoot) {
    context.change(
      'map_as_list',
      place,
      'an object of free names as a list of {key, value}',
      'strict mode allows named members only',
    )
    notes.sentences.push('An object, written as the list of its members; each key once.')
    const list: JsonSchema = { type: 'array', items: entry(node, value.schema) }
    return { schema: describe(node, list, notes, place, context), fold: { kind: 'map', value: value.fold } }
  }
  const properties: [string, JsonSchema][] = []
  const folds = new Map<string, MemberFold>()
  for (const [name, member] of members) {
    context.write(name.length)
    if (required.has(name)) {
      properties.push([name, member.schema])
      folds.set(name, { name, fold: member.fold, optional: false })
      continue
    }
    context.change(
      'made_nullable',
      context.below(place, 'properties', name),
      'optional, so null stands for not given',
      'strict mode requires every property',
    )
    const fallback = fallbackOf(node, name)
    const { schema, fold } = orNull(member, fallback)
    context.write(64)
    properties.push([name, schema])
    folds.set(name, { name, fold, optional: true, ...(fallback ? { fallback } : {}) })
  }
  const restName = isOpen ? freeName('additional_properties', members) : undefined
  if (restName !== undefined) {
    context.change(
      'map_as_list',
      place,
      `members of free names in "${restName}"`,
      'strict mode allows named members only',
    )
    const description = 'Further members of this object, each key once; empty for none.'
    properties.push([restName, { type: 'array', items: entry(node, value.schema), description }])
  }
  const schema: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: properties.map(([name]) => name),
    additionalProperties: false,
  }
  const rest = restName === undefined ? undefined : { name: restName, fold: value.fold }
  const isPlain =
    rest === undefined && [...folds.values()].every(({ fold, optional }) => fold === undefined && !optional)
  const fold: Fold | undefined = isPlain ? undefined : { kind: 'object', members: folds, rest, others: undefined }
  return { schema: describe(node, schema, notes, place, context), fold }
}

const anyValue: Lowered = {
  schema: { type: 'string', description: 'Any JSON value, written as JSON text.' },
  fold: { kind: 'json' },
}

function entry(node: JsonSchema, value: JsonSchema): JsonSchema {
  const patterns = Object.keys((node.patternProperties as object | undefined) ?? {})
  const [pattern] = patterns
  // One pattern and nothing else: the only keys there can be.
  const key =
    patterns.length === 1 && node.additionalProperties === false && isSimple(pattern)
      ? { type: 'string', pattern }
      : { type: 'string' }
  return { type: 'object', properties: { key, value }, required: ['key', 'value'], additionalProperties: false }
}

function isSimple(pattern: string | undefined): boolean {
  return pattern !== undefined && isPattern(pattern) && !looksAround(pattern)
}

function fallbackOf(node: JsonSchema, name: string): { value: unknown } | undefined {
  const schema = (node.properties as Record<string, JsonSchema> | undefined)?.[name]
  return typeof schema === 'object' && Object.hasOwn(schema, 'default') ? { value: schema.default } : undefined
}

/** What fits the member or null. Where null is a value of its own, that value comes in a box. */
function orNull(member: Lowered, fallback: { value: unknown } | undefined): Lowered {
  const { description, ...schema } = member.schema
  const sentence = fallback ? 'null: not given, the default holds.' : 'null: not given.'
  const text = typeof description === 'string' ? `${description}\n${sentence}` : sentence
  if (takesNull(schema)) {
    const box = { type: 'object', properties: { value: schema }, required: ['value'], additionalProperties: false }
    return {
      schema: { anyOf: [box, { type: 'null' }], description: text },
      fold: { kind: 'box', name: 'value', inner: member.fold, fits: fits(schema) },
    }
  }
  return { schema: { ...withNull(schema), description: text }, fold: member.fold }
}

function withNull(schema: JsonSchema): JsonSchema {
  const { type, anyOf } = schema
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] }
  if (type === 'object' || type === 'array') return { anyOf: [schema, { type: 'null' }] }
  const types = [...(Array.isArray(type) ? type : [type]), 'null']
  return { ...schema, type: types, ...(Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}) }
}

function takesNull(schema: JsonSchema): boolean {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.some((branch: JsonSchema) => takesNull(branch))
  if (Array.isArray(schema.enum)) return schema.enum.includes(null)
  return Array.isArray(schema.type) ? schema.type.includes('null') : schema.type === 'null'
}

function freeName(wanted: string, members: ReadonlyMap<string, unknown>): string {
  let name = wanted
  for (let attempt = 2; members.has(name); attempt += 1) name = `${wanted}_${attempt}`
  return name
}
