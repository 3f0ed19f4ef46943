/**
 * What a keyword's value has to be in JSON Schema 2020-12, written after the meta-schema
 * (https://json-schema.org/draft/2020-12/schema). Anthropic checks schemas against it.
 */
const shapes: Record<string, (value: unknown) => boolean> = {
  type: (value) =>
    isType(value) || (Array.isArray(value) && value.length > 0 && value.every(isType) && isUnique(value)),
  enum: Array.isArray,
  required: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string') && isUnique(value),
  ...Object.fromEntries(['properties', 'patternProperties', '$defs', 'dependentSchemas'].map((key) => [key, isMap])),
  ...Object.fromEntries(['anyOf', 'oneOf', 'allOf', 'prefixItems'].map((key) => [key, isList])),
  ...Object.fromEntries(
    ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames'].map((key) => [
      key,
      isSchema,
    ]),
  ),
  ...Object.fromEntries(
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map((key) => [key, isCount]),
  ),
  ...Object.fromEntries(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((key) => [
      key,
      (value: unknown) => typeof value === 'number',
    ]),
  ),
  multipleOf: (value) => typeof value === 'number' && value > 0,
  pattern: (value) => typeof value === 'string' && isPattern(value),
  ...Object.fromEntries(
    ['title', 'description', 'format', '$ref'].map((key) => [key, (value: unknown) => typeof value === 'string']),
  ),
  ...Object.fromEntries(
    ['uniqueItems', 'deprecated', 'readOnly', 'writeOnly'].map((key) => [
      key,
      (value: unknown) => typeof value === 'boolean',
    ]),
  ),
  examples: Array.isArray,
}

/** The keywords of a schema object whose values the dialect does not allow. */
export function badKeywords(schema: Record<string, unknown>): string[] {
  return Object.entries(schema)
    .filter(([key, value]) => shapes[key]?.(value) === false)
    .map(([key]) => key)
}

const typeNames = new Set<unknown>(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

function isType(value: unknown): boolean {
  return typeNames.has(value)
}

function isUnique(values: unknown[]): boolean {
  return new Set(values).size === values.length
}

function isSchema(value: unknown): boolean {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value))
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isSchema)
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isSchema)
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u')
    return true
  } catch {
    return false
  }
}
