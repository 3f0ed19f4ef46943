import type { JsonSchema } from '@atp/core'
import { mapSchemas } from './clean-schema.ts'
import { isObject } from './copy-json.ts'

const isText = (value: unknown): boolean => typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number'
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const typeNames = new Set<unknown>(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'])

/** What strict readers take for each keyword that their models know; other keywords may hold anything. */
const accepted: Readonly<Record<string, (value: unknown) => boolean>> = {
  $schema: isText,
  $id: isText,
  title: isText,
  description: isText,
  type: (value) => typeNames.has(value) || isTextList(value),
  properties: isObject,
  items: (value) => isObject(value) || (Array.isArray(value) && value.every(isObject)),
  required: isTextList,
  enum: Array.isArray,
  examples: Array.isArray,
  format: isText,
  additionalProperties: (value) => typeof value === 'boolean' || isObject(value),
  pattern: isText,
  minimum: isNumber,
  maximum: isNumber,
  minLength: isNumber,
  maxLength: isNumber,
}

/**
 * Writes a schema as the strictest readers take it: `true` and `false` as objects that say the same, and without what is
 * no JSON Schema in the first place, such as `"required": true`, which they would refuse the whole manual for.
 */
export function lowerSchema(schema: JsonSchema): JsonSchema {
  return mapSchemas(schema, (inner) => (typeof inner === 'boolean' ? inner : lowerOne(inner))) as JsonSchema
}

function lowerOne(schema: JsonSchema): JsonSchema {
  const lowered: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    const written = keyword === 'properties' ? lowerMembers(value) : keyword === 'items' ? lowerItems(value) : value
    const check = Object.hasOwn(accepted, keyword) ? accepted[keyword] : undefined
    if (check === undefined || check(written)) lowered[keyword] = written
  }
  return lowered
}

function lowerMembers(value: unknown): unknown {
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, asObject(member)])
  return Object.fromEntries(members.filter(([, member]) => isObject(member)))
}

function lowerItems(value: unknown): unknown {
  return Array.isArray(value) ? value.map(asObject) : asObject(value)
}

function asObject(schema: unknown): unknown {
  return schema === true ? {} : schema === false ? { not: {} } : schema
}
