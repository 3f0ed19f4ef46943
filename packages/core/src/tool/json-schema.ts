import { dereference, type Schema, type SchemaDraft, validate } from '@cfworker/json-schema'
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { isJsonObject } from '../protocol/json.ts'
import { checkSchema, type JsonSchema } from '../protocol/schema-limits.ts'
import type { Validation } from './tool.ts'

/** A schema in its two uses: text for a model, check for a value. */
export interface CompiledSchema {
  jsonSchema: JsonSchema
  validate: (value: unknown) => Validation | Promise<Validation>
}

/** Whether a value speaks Standard Schema (https://standardschema.dev). */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // Some libraries' schemas are functions.
  const candidate = value as { '~standard'?: { validate?: unknown } } | null | undefined
  return (
    (typeof candidate === 'object' || typeof candidate === 'function') &&
    typeof candidate?.['~standard']?.validate === 'function'
  )
}

/**
 * Turns a Standard Schema or a JSON Schema into both of its uses.
 * @param io which side of a converting schema callers see: its input for arguments, its output for results.
 * @throws AtpError `invalid_schema`
 */
export function compileSchema(schema: unknown, io: 'input' | 'output', what: string): CompiledSchema {
  if (isStandardSchema(schema)) {
    const jsonSchema = toJsonSchema(schema, io, what)
    checkSchema(jsonSchema, what)
    return { jsonSchema: withoutDialect(plainCopy(jsonSchema)), validate: standardCheck(schema) }
  }
  if (!isJsonObject(schema)) {
    throw new AtpError(
      'invalid_schema',
      `${what} must be a zod object, another Standard Schema, a JSON Schema or a list of names`,
    )
  }
  checkSchema(schema, what)
  const check = jsonSchemaCheck(plainCopy(schema), what)
  return { jsonSchema: plainCopy(schema), validate: io === 'input' ? check : (value) => check(asJson(value)) }
}

/** What the author does to the schema later changes nothing, and the validator may mark its own copy. */
function plainCopy(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema)) as JsonSchema
}

/** A result is checked as its reader will see it: members that are undefined are not there, dates are texts. */
function asJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null')
  } catch {
    return value
  }
}

function toJsonSchema(schema: StandardSchemaV1, io: 'input' | 'output', what: string): JsonSchema {
  const standard = schema['~standard'] as StandardSchemaV1['~standard'] & Partial<StandardJSONSchemaV1['~standard']>
  try {
    if (standard.jsonSchema) return newestDialect(standard.jsonSchema[io])
    // zod 4.0 and 4.1 do not describe themselves yet, but share their internals with the zod we bring.
    if ('_zod' in schema) return z.toJSONSchema(schema as unknown as z.ZodType, { io })
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} cannot be written as JSON Schema: ${errorText(error)}`, {
      cause: error,
    })
  }
  throw new AtpError(
    'invalid_schema',
    `${what}: this version of "${standard.vendor}" gives no JSON Schema; use zod 4, a library that implements Standard JSON Schema, or a JSON Schema`,
  )
}

/** A library throws for a dialect it does not write; draft 7 is the other one that all are asked to know. */
function newestDialect(convert: StandardJSONSchemaV1.Converter['input']): JsonSchema {
  try {
    return convert({ target: 'draft-2020-12' })
  } catch {
    return convert({ target: 'draft-07' })
  }
}

function withoutDialect({ $schema: _, ...schema }: JsonSchema): JsonSchema {
  return schema
}

function standardCheck(schema: StandardSchemaV1): CompiledSchema['validate'] {
  const toValidation = (result: StandardSchemaV1.Result<unknown>): Validation =>
    !result.issues
      ? { ok: true, value: result.value }
      : { ok: false, issues: result.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message })) }
  return (value) => {
    const result = schema['~standard'].validate(value)
    // A thenable of another realm or library is a promise too; taken for a result it would pass as valid.
    return 'then' in result ? Promise.resolve(result).then(toValidation) : toValidation(result)
  }
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? [])
    .map((segment) => String(typeof segment === 'object' && segment !== null ? segment.key : segment))
    .join('.')
}

function jsonSchemaCheck(schema: JsonSchema, what: string): (value: unknown) => Validation {
  const draft: SchemaDraft = typeof schema.$schema === 'string' && schema.$schema.includes('draft-07') ? '7' : '2020-12'
  let lookup: ReturnType<typeof dereference>
  try {
    lookup = dereference(schema as Schema)
    for (const subschema of Object.values(lookup)) checkCompiles(subschema, lookup)
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} cannot be used: ${errorText(error)}`, { cause: error })
  }
  return (value) => {
    let result: ReturnType<typeof validate>
    try {
      // An interpreter: it generates no code, so it runs where that is forbidden.
      result = validate(value, schema as Schema, draft, lookup, false)
    } catch (error) {
      // What JSON does not have, such as undefined, is refused by throwing. Anything else is the schema's fault.
      if (!errorText(error).startsWith('Instances of')) throw error
      return { ok: false, issues: [{ path: '', message: errorText(error) }] }
    }
    if (result.valid) return { ok: true, value }
    // Inner errors name the value; outer ones only repeat that something below failed.
    const inner = result.errors.filter((error) => !['properties', 'items', '$ref'].includes(error.keyword))
    const issues = (inner.length > 0 ? inner : result.errors).map((error) => ({
      path: error.instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.'),
      message: error.error,
    }))
    return { ok: false, issues }
  }
}

/** Finds now what the interpreter would only find in a call: references to nothing, and patterns that are none. */
function checkCompiles(schema: Schema | boolean, lookup: Record<string, Schema | boolean>): void {
  if (typeof schema === 'boolean') return
  if (schema.$ref !== undefined && lookup[schema.__absolute_ref__ ?? schema.$ref] === undefined) {
    throw new Error(`"$ref": "${schema.$ref}" points at nothing in the schema`)
  }
  for (const pattern of [schema.pattern ?? '', ...Object.keys(schema.patternProperties ?? {})]) new RegExp(pattern, 'u')
}
