import { AtpError } from '../errors/atp-error.ts'
import { isJsonObject } from './json.ts'

/** A JSON Schema (draft 2020-12 or 7) as plain JSON. */
export type JsonSchema = { [keyword: string]: unknown }

/** Rule I4: what a tool's schema may be. Checked where a tool is defined and again where a server stores it. */
export const schemaLimits = { maxBytes: 65_536, maxDepth: 32, maxProperties: 200 } as const

/** Keywords whose members are names chosen by the author, not keywords. */
const namedSubschemas = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Keywords that hold data: what looks like a keyword in there is none. */
const dataKeywords = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired'])

/**
 * Checks that a schema describes an object and stays inside {@link schemaLimits}: no remote `$ref`, no `$data`.
 * @param what names the schema in the error, such as `Tool "search": input schema`.
 * @throws AtpError `invalid_schema`
 */
export function checkObjectSchema(schema: unknown, what: string): asserts schema is JsonSchema {
  checkSchema(schema, what)
  if (schema.type !== 'object') {
    throw new AtpError(
      'invalid_schema',
      `${what} must describe an object ("type": "object"), not ${describe(schema.type)}`,
    )
  }
  if (schema.properties !== undefined && !isJsonObject(schema.properties)) {
    throw new AtpError('invalid_schema', `${what}: "properties" must be an object`)
  }
  const required = schema.required
  if (required !== undefined && !(Array.isArray(required) && required.every((name) => typeof name === 'string'))) {
    throw new AtpError('invalid_schema', `${what}: "required" must be a list of names`)
  }
}

/**
 * Checks any schema against {@link schemaLimits}.
 * @throws AtpError `invalid_schema`
 */
export function checkSchema(schema: unknown, what: string): asserts schema is JsonSchema {
  if (!isJsonObject(schema)) {
    throw new AtpError('invalid_schema', `${what} must be a JSON Schema object, not ${describe(schema)}`)
  }
  // Depth first: stringifying before the depth is known can exhaust the stack (rule I1).
  const properties = walk(schema, what, 1, 0)
  if (properties > schemaLimits.maxProperties) {
    throw new AtpError(
      'invalid_schema',
      `${what} declares ${properties} properties; at most ${schemaLimits.maxProperties} are allowed`,
    )
  }
  const length = new TextEncoder().encode(JSON.stringify(schema)).length
  if (length > schemaLimits.maxBytes) {
    throw new AtpError('invalid_schema', `${what} is ${length} bytes; at most ${schemaLimits.maxBytes} are allowed`)
  }
}

/** Returns how many properties the schema declares, at every level. */
function walk(node: unknown, what: string, depth: number, count: number): number {
  if (typeof node !== 'object' || node === null) return count
  if (depth > schemaLimits.maxDepth) {
    throw new AtpError('invalid_schema', `${what} is nested deeper than ${schemaLimits.maxDepth} levels`)
  }
  let total = count
  for (const [key, value] of Object.entries(node)) {
    if (Array.isArray(node)) {
      total = walk(value, what, depth + 1, total)
      continue
    }
    if (key === '$data') throw new AtpError('invalid_schema', `${what} uses "$data", which is not supported`)
    if (key === '$ref' && !(typeof value === 'string' && value.startsWith('#'))) {
      throw new AtpError('invalid_schema', `${what}: "$ref" may only point inside the schema ("#/…")`)
    }
    if (dataKeywords.has(key)) checkDataDepth(value, what, depth + 1)
    else if (namedSubschemas.has(key) && isJsonObject(value)) {
      if (key === 'properties') total += Object.keys(value).length
      for (const subschema of Object.values(value)) total = walk(subschema, what, depth + 2, total)
    } else total = walk(value, what, depth + 1, total)
  }
  return total
}

function checkDataDepth(value: unknown, what: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > schemaLimits.maxDepth) {
    throw new AtpError('invalid_schema', `${what} is nested deeper than ${schemaLimits.maxDepth} levels`)
  }
  for (const member of Object.values(value)) checkDataDepth(member, what, depth + 1)
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : JSON.stringify(value)
}
