import { isJsonObject } from '../../protocol/json.ts'
import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { describe } from './lower-scalar.ts'
import { lowerChoice } from './lower-union.ts'
import type { LoweringContext, Outcome, Place } from './lowering-context.ts'
import { createNotes } from './notes.ts'

/** Writes a list of allowed values, with their types, and without those that the schema's own type refuses. */
export function lowerEnum(node: JsonSchema, place: Place, context: LoweringContext): Outcome {
  const types = node.type as string[] | undefined
  const values = distinct(
    (node.enum as unknown[]).filter((value) => types === undefined || types.some((type) => isOfType(value, type))),
  )
  context.spend(Math.ceil(values.length / 16))
  if (values.length === 0) return 'never'
  context.write(JSON.stringify(values).length)
  const structured = values.filter((value) => typeof value === 'object' && value !== null)
  if (context.rules.strict && structured.length > 0) return lowerConstants(node, values, place, context)
  const named = [...new Set(values.map(typeOf))]
  const type = types?.length === 1 ? types[0] : named.length === 1 ? named[0] : named
  return { schema: describe(node, { type, enum: values }, createNotes(), place, context), fold: undefined }
}

function distinct(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}

/** Strict mode compares single values only: an object of the list becomes a schema that fits nothing else. */
function lowerConstants(node: JsonSchema, values: readonly unknown[], place: Place, context: LoweringContext): Outcome {
  context.change(
    'form_changed',
    place,
    'allowed objects and lists as a union',
    'strict mode allows single values in "enum" only',
  )
  const branches = values.map((value) => ({ schema: constant(value, context), fold: arrayFold(value) }))
  const { enum: _, type: __, ...outer } = node
  return lowerChoice(outer, branches, 'anyOf', place, context)
}

function arrayFold(value: unknown): { kind: 'json' } | undefined {
  return typeof value === 'object' && value !== null ? { kind: 'json' } : undefined
}

function constant(value: unknown, context: LoweringContext): JsonSchema {
  context.spend(1)
  if (typeof value !== 'object' || value === null) return { type: typeOf(value), enum: [value] }
  return { type: 'string', enum: [JSON.stringify(value)], description: 'JSON text.' }
}

function isOfType(value: unknown, type: string): boolean {
  const own = typeOf(value)
  return (
    own === type ||
    (type === 'number' && own === 'integer') ||
    (type === 'integer' && own === 'number' && Number.isInteger(value))
  )
}

/** The type of a JSON value, `integer` for whole numbers. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (isJsonObject(value)) return 'object'
  return Number.isInteger(value) ? 'integer' : typeof value
}
