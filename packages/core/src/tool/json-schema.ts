import { type Schema, Validator } from '@cfworker/json-schema'
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
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
    return { jsonSchema: withoutDialect(toJsonSchema(schema, io, what)), validate: standardCheck(schema) }
  }
  if (!isJsonObject(schema)) {
    throw new AtpError(
      'invalid_schema',
      `${what} must be a zod object, another Standard Schema, a JSON Schema or a list of names`,
    )
  }
  checkSchema(schema, what)
  return { jsonSchema: structuredClone(schema), validate: jsonSchemaCheck(schema, what) }
}

function toJsonSchema(schema: StandardSchemaV1, io: 'input' | 'output', what: string): JsonSchema {
  const standard = schema['~standard'] as StandardSchemaV1['~standard'] & Partial<StandardJSONSchemaV1['~standard']>
  try {
    if (standard.jsonSchema) return standard.jsonSchema[io]({ target: 'draft-2020-12' })
    // zod 4.0 and 4.1 do not describe themselves yet, but share their internals with the zod we bring.
    if ('_zod' in schema) return z.toJSONSchema(schema as unknown as z.ZodType, { io })
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} cannot be written as JSON Schema: ${(error as Error).message}`, {
      cause: error,
    })
  }
  throw new AtpError(
    'invalid_schema',
    `${what}: this version of "${standard.vendor}" gives no JSON Schema; use zod 4, a library that implements Standard JSON Schema, or a JSON Schema`,
  )
}

function withoutDialect({ $schema: _, ...schema }: JsonSchema): JsonSchema {
  return schema
}

function standardCheck(schema: StandardSchemaV1): CompiledSchema['validate'] {
  const toValidation = (result: StandardSchemaV1.Result<unknown>): Validation =>
    result.issues === undefined
      ? { ok: true, value: result.value }
      : { ok: false, issues: result.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message })) }
  return (value) => {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise ? result.then(toValidation) : toValidation(result)
  }
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? [])
    .map((segment) => String(typeof segment === 'object' && segment !== null ? segment.key : segment))
    .join('.')
}

function jsonSchemaCheck(schema: JsonSchema, what: string): CompiledSchema['validate'] {
  const draft = typeof schema.$schema === 'string' && schema.$schema.includes('draft-07') ? '7' : '2020-12'
  let validator: Validator
  try {
    // An interpreter: it generates no code, so it runs where `new Function` is forbidden.
    validator = new Validator(schema as Schema, draft, false)
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} cannot be used: ${(error as Error).message}`, { cause: error })
  }
  return (value) => {
    const result = validator.validate(value)
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
