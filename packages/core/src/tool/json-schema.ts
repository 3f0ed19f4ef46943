import { dereference, type Schema, type SchemaDraft, validate } from '@cfworker/json-schema'
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { isJsonObject } from '../protocol/json.ts'
import { checkSchema, type JsonSchema } from '../protocol/schema-limits.ts'
import { type CompilePattern, type LinearPattern, placeText, SchemaRun, TooMuchWork } from './schema-run.ts'
import type { Validation } from './tool.ts'

/** A schema in its two uses: text for a model, check for a value. */
export interface CompiledSchema {
  jsonSchema: JsonSchema
  validate: (value: unknown) => Validation | Promise<Validation>
}

/** How a schema is compiled. */
export interface CompileOptions {
  /**
   * For schemas of strangers: compiles the patterns of a JSON Schema, for an engine that does not backtrack. A check that
   * takes more than a second or two of work is given up then, and the value does not fit. The schema means the same.
   * @default the platform's own engine, for schemas of those who wrote the tool; a Standard Schema brings its own checks
   */
  readonly compilePattern?: CompilePattern
}

/** How many problems of a stranger's schema are told. */
const maxGuardedIssues = 100

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
 * @throws AtpError `invalid_schema`; for a pattern with `details.pointer` and what `compilePattern` threw as its cause
 */
export function compileSchema(
  schema: unknown,
  io: 'input' | 'output',
  what: string,
  { compilePattern }: CompileOptions = {},
): CompiledSchema {
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
  const copy = plainCopy(schema)
  const check = compilePattern === undefined ? jsonSchemaCheck(copy, what) : guardedCheck(copy, what, compilePattern)
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
  const { draft, lookup } = resolveSchema(schema, what, (pattern) => new RegExp(pattern, 'u'))
  return (value) => {
    let result: ReturnType<typeof validate>
    try {
      // An interpreter: it generates no code, so it runs where that is forbidden.
      result = validate(value, schema as Schema, draft, lookup, false)
    } catch (error) {
      return unsupported(error)
    }
    if (result.valid) return { ok: true, value }
    const issues = innermost(result.errors).map((error) => ({
      path: error.instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.'),
      message: error.error,
    }))
    return { ok: false, issues }
  }
}

function guardedCheck(
  schema: JsonSchema,
  what: string,
  compilePattern: CompilePattern,
): (value: unknown) => Validation {
  const patterns = new Map<string, LinearPattern>()
  const { draft, lookup } = resolveSchema(schema, what, (pattern) => {
    if (!patterns.has(pattern)) patterns.set(pattern, compilePattern(pattern))
  })
  const prepared = { draft, lookup, patterns }
  return (value) => {
    const run = new SchemaRun(prepared)
    try {
      if (run.visit(schema as Schema, value, undefined)) return { ok: true, value }
    } catch (error) {
      if (!(error instanceof TooMuchWork)) return unsupported(error)
      return { ok: false, issues: [{ path: '', message: 'Checking the value against the schema takes too long.' }] }
    }
    const issues = innermost(run.problems).slice(0, maxGuardedIssues)
    return { ok: false, issues: issues.map(({ place, message }) => ({ path: placeText(place), message: message() })) }
  }
}

/** What JSON does not have, such as undefined, is refused by throwing. Anything else is the schema's fault. */
function unsupported(error: unknown): Validation {
  if (!errorText(error).startsWith('Instances of')) throw error
  return { ok: false, issues: [{ path: '', message: errorText(error) }] }
}

/** Inner errors name the value; outer ones only repeat that something below failed. */
function innermost<T extends { keyword: string }>(errors: readonly T[]): readonly T[] {
  const inner = errors.filter((error) => !['properties', 'items', '$ref'].includes(error.keyword))
  return inner.length > 0 ? inner : errors
}

/**
 * Finds now what the interpreter would only find in a call: references to nothing, and patterns that are none.
 * @throws AtpError `invalid_schema`
 */
function resolveSchema(
  schema: JsonSchema,
  what: string,
  usePattern: (pattern: string) => void,
): { draft: SchemaDraft; lookup: ReturnType<typeof dereference> } {
  const draft: SchemaDraft = typeof schema.$schema === 'string' && schema.$schema.includes('draft-07') ? '7' : '2020-12'
  let lookup: ReturnType<typeof dereference>
  try {
    lookup = dereference(schema as Schema)
  } catch (error) {
    throw new AtpError('invalid_schema', `${what} cannot be used: ${errorText(error)}`, { cause: error })
  }
  for (const [uri, subschema] of Object.entries(lookup)) {
    if (typeof subschema === 'boolean') continue
    const { $ref, __absolute_ref__, pattern, patternProperties } = subschema
    if ($ref !== undefined && lookup[__absolute_ref__ ?? $ref] === undefined) {
      throw new AtpError('invalid_schema', `${what} cannot be used: "$ref": "${$ref}" points at nothing in the schema`)
    }
    // The library's own pattern for URLs, a format that JSON Schema does not have, backtracks (rule I5).
    if (subschema.format === 'url') subschema.format = 'uri'
    const patterns = [...(pattern === undefined ? [] : [String(pattern)]), ...Object.keys(patternProperties ?? {})]
    for (const each of patterns) {
      try {
        usePattern(each)
      } catch (error) {
        const pointer = uri.replace(/^[^#]*/, '') || '#'
        const shown = `the pattern ${JSON.stringify(each.slice(0, 200))} at "${pointer}"`
        throw new AtpError('invalid_schema', `${what} cannot be used: ${shown}: ${errorText(error)}`, {
          details: { pointer },
          cause: error,
        })
      }
    }
  }
  return { draft, lookup }
}
