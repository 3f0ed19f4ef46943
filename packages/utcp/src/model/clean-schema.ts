import type { JsonSchema } from '@atp/core'
import { isObject } from './copy-json.ts'

/** The keywords that the models know, for which null is the same as absent. Python peers write all of them. */
const knownKeywords = [
  ...['$schema', '$id', 'title', 'description', 'type', 'properties', 'items', 'required', 'enum', 'const', 'default'],
  ...['examples', 'format', 'additionalProperties', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength'],
]
/** Keywords that hold one schema, or a list of them. */
const schemaKeywords = new Set([
  ...['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames', 'allOf', 'anyOf'],
  ...['oneOf', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'unevaluatedProperties'],
])
/** Keywords that hold schemas by names. */
const namedSchemaKeywords = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

/** A schema as we keep it; `true` and `false` become the objects that say the same. Undefined for what is no schema. */
export function cleanSchema(schema: unknown): JsonSchema | undefined {
  if (schema === true) return Object.freeze({})
  if (schema === false) return Object.freeze({ not: Object.freeze({}) })
  if (!isObject(schema)) return undefined
  return (holdsNull(schema) ? mapSchemas(schema, withoutNullKeywords) : schema) as JsonSchema
}

/** Most schemas do not, and this is the fastest way through them. */
function holdsNull(value: object): boolean {
  for (const name in value) {
    const member: unknown = (value as Readonly<Record<string, unknown>>)[name]
    if (member === null || (typeof member === 'object' && holdsNull(member))) return true
  }
  return false
}

/** Applies a change to a schema and to all schemas inside it, inner ones first. What does not change is not copied. */
export function mapSchemas(schema: unknown, change: (schema: JsonSchema | boolean) => unknown): unknown {
  if (typeof schema === 'boolean') return change(schema)
  if (!isObject(schema)) return schema
  let changed: Record<string, unknown> | undefined
  for (const keyword of Object.keys(schema)) {
    const value = schema[keyword]
    const mapped = mapKeyword(keyword, value, change)
    if (mapped === value) continue
    changed ??= { ...schema }
    changed[keyword] = mapped
  }
  return change(changed === undefined ? (schema as JsonSchema) : Object.freeze(changed))
}

function mapKeyword(keyword: string, value: unknown, change: (schema: JsonSchema | boolean) => unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'boolean' && schemaKeywords.has(keyword) ? mapSchemas(value, change) : value
  }
  if (schemaKeywords.has(keyword)) {
    return Array.isArray(value) ? mapList(value, change) : mapSchemas(value, change)
  }
  return namedSchemaKeywords.has(keyword) && isObject(value) ? mapMembers(value, change) : value
}

function mapList(list: readonly unknown[], change: (schema: JsonSchema | boolean) => unknown): readonly unknown[] {
  const mapped = list.map((item) => mapSchemas(item, change))
  return mapped.some((item, index) => item !== list[index]) ? Object.freeze(mapped) : list
}

function mapMembers(
  members: Readonly<Record<string, unknown>>,
  change: (schema: JsonSchema | boolean) => unknown,
): Readonly<Record<string, unknown>> {
  let changed: Record<string, unknown> | undefined
  for (const [name, member] of Object.entries(members)) {
    const mapped = mapSchemas(member, change)
    if (mapped === member) continue
    changed ??= { ...members }
    changed[name] = mapped
  }
  return changed === undefined ? members : Object.freeze(changed)
}

function withoutNullKeywords(schema: JsonSchema | boolean): JsonSchema | boolean {
  if (typeof schema === 'boolean' || !knownKeywords.some((keyword) => schema[keyword] === null)) return schema
  const present = Object.entries(schema).filter(
    ([keyword, value]) => value !== null || !knownKeywords.includes(keyword),
  )
  return Object.freeze(Object.fromEntries(present))
}
