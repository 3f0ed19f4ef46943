import { isJsonObject } from '../../protocol/json.ts'
import type { JsonSchema } from '../../protocol/schema-limits.ts'
import type { LoweringContext, Place } from './lowering-context.ts'

type Check = (value: unknown) => boolean

const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 0
const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
const isSchema: Check = (value) => typeof value === 'boolean' || isJsonObject(value)
const isSchemaList: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(isSchema)
const isSchemaMap: Check = (value) => isJsonObject(value) && Object.values(value).every(isSchema)
const isNameList: Check = (value) => Array.isArray(value) && value.every(isText)

/** The keywords of JSON Schema 2020-12 that mean something here, and what their values must be. */
const keywords: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...['$ref', 'title', 'description', 'format', 'contentEncoding', 'contentMediaType'].map(
    (key) => [key, isText] as const,
  ),
  ['pattern', (value) => typeof value === 'string' && isPattern(value)],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((key) => [key, isNumber] as const),
  ['multipleOf', (value) => isNumber(value) && (value as number) > 0],
  ...[
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'minProperties',
    'maxProperties',
    'minContains',
    'maxContains',
  ].map((key) => [key, isCount] as const),
  ...['uniqueItems', 'deprecated', 'readOnly', 'writeOnly'].map((key) => [key, isFlag] as const),
  ...['anyOf', 'oneOf', 'allOf', 'prefixItems'].map((key) => [key, isSchemaList] as const),
  ...['items', 'not', 'if', 'then', 'else', 'contains', 'propertyNames', 'additionalProperties'].map(
    (key) => [key, isSchema] as const,
  ),
  ...['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'].map((key) => [key, isSchema] as const),
  ...['properties', 'patternProperties', 'dependentSchemas'].map((key) => [key, isSchemaMap] as const),
  ['dependentRequired', (value) => isJsonObject(value) && Object.values(value).every(isNameList)],
  ['required', isNameList],
  ['enum', Array.isArray],
  ['examples', Array.isArray],
  ['default', (value) => value !== undefined],
])

/** Names of types that other dialects use. */
const typeAliases: ReadonlyMap<string, string> = new Map([
  ['float', 'number'],
  ['double', 'number'],
  ['decimal', 'number'],
  ['int', 'integer'],
  ['long', 'integer'],
  ['bool', 'boolean'],
  ['str', 'string'],
  ['text', 'string'],
  ['dict', 'object'],
  ['list', 'array'],
])
const typeNames = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

/** Keywords that neither a value nor a model depends on once references are inlined. */
const silent = new Set([
  '$schema',
  '$id',
  'id',
  '$comment',
  '$defs',
  'definitions',
  '$anchor',
  '$dynamicAnchor',
  '$vocabulary',
])
/**
 * Keywords of OpenAPI that say nothing about a value. `nullable` does, but not to JSON Schema, by which the tool judges
 * its arguments: a model that was told of null would be refused.
 */
const openApi = new Set(['discriminator', 'xml', 'externalDocs', 'example'])

/**
 * Reads one schema object in any of the dialects that tools come in (drafts 4 to 2020-12) as 2020-12:
 * `type` as a list, constants as `enum`, tuples as `prefixItems`. What is no keyword is left out, and so is a keyword
 * whose value makes no sense, because a provider would refuse the whole request for it.
 */
export function readNode(source: JsonSchema, place: Place, context: LoweringContext): JsonSchema {
  const schema = modernise(source)
  const node: JsonSchema = {}
  for (const [key, value] of Object.entries(schema)) {
    const check = keywords.get(key)
    if (check?.(value)) node[key] = value
    else if (
      check ||
      !(key === 'type' || key === 'const' || silent.has(key) || openApi.has(key) || key.startsWith('x-'))
    ) {
      // Beside unknown keywords stand those of dialects we do not read, and either may have been meant to say something.
      if (value !== undefined)
        context.change(
          'keyword_dropped',
          place,
          `"${key.slice(0, 80)}" left out`,
          'it is no keyword of JSON Schema 2020-12, or its value is none',
        )
    }
  }
  if (Object.hasOwn(schema, 'const') && schema.const !== undefined) {
    node.enum = Array.isArray(node.enum) ? node.enum.filter((each) => sameJson(each, schema.const)) : [schema.const]
  }
  if (Object.hasOwn(schema, 'example') && node.examples === undefined) node.examples = [schema.example]
  const types = readTypes(schema.type, place, context)
  if (types !== undefined) node.type = types
  return node
}

/** Whether two JSON values are equal, members in the same order. */
export function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** Whether a text is a regular expression as JSON Schema reads it. */
export function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u')
    return true
  } catch {
    return false
  }
}

/** Rewrites what drafts before 2020-12 said in another way. */
function modernise(source: JsonSchema): JsonSchema {
  const schema: JsonSchema = { ...source }
  for (const [flag, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[flag] !== 'boolean') continue
    const exclusive = schema[flag] && isNumber(schema[limit])
    if (exclusive) schema[flag] = schema[limit]
    else delete schema[flag]
    if (exclusive) delete schema[limit]
  }
  if (Array.isArray(schema.items)) {
    if (schema.items.length > 0) schema.prefixItems = schema.items
    delete schema.items
    if (isSchema(schema.additionalItems)) schema.items = schema.additionalItems
  }
  delete schema.additionalItems
  // Draft 3 said of a property that it is required; its object knows.
  if (typeof schema.required === 'boolean') delete schema.required
  for (const reference of ['$dynamicRef', '$recursiveRef']) {
    // Without further documents a dynamic reference is a plain one.
    if (typeof schema[reference] === 'string' && schema.$ref === undefined) schema.$ref = schema[reference]
    delete schema[reference]
  }
  if (isJsonObject(schema.dependencies)) splitDependencies(schema, schema.dependencies)
  delete schema.dependencies
  return schema
}

function splitDependencies(schema: JsonSchema, dependencies: JsonSchema): void {
  const entries = Object.entries(dependencies)
  const names = entries.filter(([, value]) => isNameList(value))
  const schemas = entries.filter(([, value]) => isSchema(value))
  if (names.length > 0) schema.dependentRequired ??= Object.fromEntries(names)
  if (schemas.length > 0) schema.dependentSchemas ??= Object.fromEntries(schemas)
}

function readTypes(value: unknown, place: Place, context: LoweringContext): string[] | undefined {
  if (value === undefined) return undefined
  const given = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string')
  const types = [...new Set(given.map((type) => typeAliases.get(type) ?? type))].filter((type) => typeNames.has(type))
  if (types.length > 0) return types
  context.change('keyword_dropped', place, '"type" left out', 'it names no JSON type')
  return undefined
}
