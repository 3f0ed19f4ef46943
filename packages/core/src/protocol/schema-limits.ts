import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { isJsonObject } from './json.ts'

/** A JSON Schema (draft 2020-12 or 7) as plain JSON. */
export type JsonSchema = { [keyword: string]: unknown }

/** Rule I4: what a tool's schema may be. Checked where a tool is defined and again where a server stores it. */
export const schemaLimits = { maxBytes: 65_536, maxDepth: 32, maxProperties: 200 } as const

/** Keywords whose members are names chosen by the author, not keywords. */
export const namedSubschemas: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
])
/** Keywords that hold data: what looks like a keyword in there is none. */
export const dataKeywords: ReadonlySet<string> = new Set([
  'const',
  'enum',
  'default',
  'examples',
  'example',
  'required',
  'dependentRequired',
])
export const referenceKeywords: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])
const listKeywords = new Set(['allOf', 'anyOf', 'oneOf'])
const typeNames = new Set<unknown>(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

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
  const length = new TextEncoder().encode(jsonOf(schema, what)).length
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
    checkKeyword(key, value, what)
    if (dataKeywords.has(key) || key.startsWith('x-')) checkDataDepth(value, what, depth + 1)
    else if (namedSubschemas.has(key) && isJsonObject(value)) {
      if (key === 'properties') total += Object.keys(value).length
      for (const [name, subschema] of Object.entries(value)) {
        checkMemberName(name, what)
        // A library's schema among them, such as zod's, would lose its rules on the way to a model.
        if (typeof subschema !== 'boolean' && !(isJsonObject(subschema) && !('~standard' in subschema))) {
          throw new AtpError('invalid_schema', `${what}: "${name}" in "${key}" must be a JSON Schema`)
        }
        total = walk(subschema, what, depth + 2, total)
      }
    } else total = walk(value, what, depth + 1, total)
  }
  return total
}

/** What would make every call fail, or a provider refuse all tools because of this one. */
function checkKeyword(key: string, value: unknown, what: string): void {
  const refuse = (problem: string): never => {
    throw new AtpError('invalid_schema', `${what}${problem}`)
  }
  checkMemberName(key, what)
  if (key === '$data') refuse(' uses "$data", which is not supported')
  if (referenceKeywords.has(key) && !(typeof value === 'string' && value.startsWith('#'))) {
    refuse(`: "${key}" may only point inside the schema ("#/…")`)
  }
  if (key === 'type' && !isTypeKeyword(value)) refuse(`: "type" names no JSON type: ${describe(value)}`)
  if (listKeywords.has(key) && !(Array.isArray(value) && value.length > 0))
    refuse(`: "${key}" must be a list of schemas`)
  if (key === 'enum' && !Array.isArray(value)) refuse(': "enum" must be a list of values')
  if (key === 'required' && !(Array.isArray(value) && value.every((name) => typeof name === 'string'))) {
    refuse(': "required" must be a list of names')
  }
}

/** Rule I1 refuses JSON with this member, so no peer could read the schema or send the parameter. */
function checkMemberName(name: string, what: string): void {
  if (name === '__proto__') throw new AtpError('invalid_schema', `${what}: "__proto__" is not allowed as a name`)
}

function isTypeKeyword(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((name) => typeNames.has(name))
  return typeNames.has(value)
}

function jsonOf(schema: JsonSchema, what: string): string {
  try {
    return JSON.stringify(schema)
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} is not JSON: ${errorText(error)}`, { cause: error })
  }
}

function checkDataDepth(value: unknown, what: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > schemaLimits.maxDepth) {
    throw new AtpError('invalid_schema', `${what} is nested deeper than ${schemaLimits.maxDepth} levels`)
  }
  for (const [name, member] of Object.entries(value)) {
    checkMemberName(name, what)
    checkDataDepth(member, what, depth + 1)
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (typeof value === 'object' && value !== null) return 'an object'
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : `a ${typeof value}`
}
