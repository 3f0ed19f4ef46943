import { isJsonObject } from '../../protocol/json.ts'
import type { JsonSchema } from '../../protocol/schema-limits.ts'
import type { LoweringContext } from './lowering-context.ts'
import { sameJson } from './read-node.ts'

/** Keywords whose larger value is the stricter one, and those whose smaller value is. */
const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains']
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains']

/** Keywords that say nothing about a value; of two, the outer one holds. */
export const annotations: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
])

/** What both schemas need that no single keyword says; becomes `allOf` of the merged one and then text. */
type Rest = JsonSchema[]

/**
 * One schema for what fits both, or `never` when nothing does. Both are as `readNode` makes them. Where two keywords
 * have no common form, that of `inner` ends up in `allOf`.
 * @throws LoweringRefusal when it takes too long
 */
export function mergeNodes(outer: JsonSchema, inner: JsonSchema, context: LoweringContext): JsonSchema | 'never' {
  context.spend(1)
  const merged: JsonSchema = { ...inner, ...outer }
  const rest: Rest = [...listOf(outer.allOf), ...listOf(inner.allOf)]
  delete merged.allOf
  for (const key of lowerBounds) pick(merged, outer, inner, key, Math.max)
  for (const key of upperBounds) pick(merged, outer, inner, key, Math.min)
  if (Array.isArray(outer.type) && Array.isArray(inner.type)) {
    const types = commonTypes(outer.type as string[], inner.type as string[])
    if (types.length === 0) return 'never'
    merged.type = types
  }
  if (Array.isArray(outer.enum) && Array.isArray(inner.enum)) {
    const { enum: other } = inner as { enum: unknown[] }
    merged.enum = outer.enum.filter((value) => other.some((each) => sameJson(each, value)))
  }
  if (Array.isArray(outer.required) && Array.isArray(inner.required)) {
    merged.required = [...new Set([...outer.required, ...inner.required])]
  }
  mergeMembers(merged, outer, inner, context)
  mergeItems(merged, outer, inner)
  for (const key of [
    'pattern',
    'format',
    'multipleOf',
    'anyOf',
    'oneOf',
    'not',
    'contains',
    'propertyNames',
    'dependentRequired',
    'dependentSchemas',
    'unevaluatedItems',
    'unevaluatedProperties',
  ]) {
    if (outer[key] !== undefined && inner[key] !== undefined && outer[key] !== inner[key])
      rest.push({ [key]: inner[key] })
  }
  if (outer.uniqueItems === true || inner.uniqueItems === true) merged.uniqueItems = true
  if (outer.if !== undefined && inner.if !== undefined) {
    const condition = ['if', 'then', 'else']
    rest.push(Object.fromEntries(condition.filter((key) => inner[key] !== undefined).map((key) => [key, inner[key]])))
    for (const key of condition) if (outer[key] === undefined) delete merged[key]
  }
  if (rest.length > 0) merged.allOf = rest
  return merged
}

function listOf(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? (value as JsonSchema[]) : []
}

function pick(
  merged: JsonSchema,
  outer: JsonSchema,
  inner: JsonSchema,
  key: string,
  stricter: (a: number, b: number) => number,
): void {
  const [a, b] = [outer[key], inner[key]]
  if (typeof a === 'number' && typeof b === 'number') merged[key] = stricter(a, b)
}

function commonTypes(outer: readonly string[], inner: readonly string[]): string[] {
  const holds = (types: readonly string[], type: string): boolean =>
    types.includes(type) || (type === 'integer' && types.includes('number'))
  return [...new Set([...outer.filter((type) => holds(inner, type)), ...inner.filter((type) => holds(outer, type))])]
}

/** A member has to fit whatever each of the two says of its name, be it by name, by pattern or of all others. */
function mergeMembers(merged: JsonSchema, outer: JsonSchema, inner: JsonSchema, context: LoweringContext): void {
  const names = new Set([...Object.keys(mapOf(outer.properties)), ...Object.keys(mapOf(inner.properties))])
  context.spend(names.size)
  if (names.size > 0) {
    merged.properties = Object.fromEntries(
      [...names].map((name) => [name, both(schemaOfMember(outer, name), schemaOfMember(inner, name))]),
    )
  }
  const patterns = new Set([
    ...Object.keys(mapOf(outer.patternProperties)),
    ...Object.keys(mapOf(inner.patternProperties)),
  ])
  if (patterns.size > 0) {
    merged.patternProperties = Object.fromEntries(
      [...patterns].map((pattern) => [
        pattern,
        both(
          mapOf(outer.patternProperties)[pattern] ?? outer.additionalProperties ?? true,
          mapOf(inner.patternProperties)[pattern] ?? inner.additionalProperties ?? true,
        ),
      ]),
    )
  }
  if (outer.additionalProperties !== undefined && inner.additionalProperties !== undefined) {
    merged.additionalProperties = both(outer.additionalProperties, inner.additionalProperties)
  }
}

/** What an object schema says of the member of a name. */
export function schemaOfMember(node: JsonSchema, name: string): unknown {
  const properties = mapOf(node.properties)
  const own = Object.hasOwn(properties, name) ? [properties[name]] : []
  const patterns = Object.entries(mapOf(node.patternProperties))
    .filter(([pattern]) => matchesName(pattern, name))
    .map(([, schema]) => schema)
  const all = [...own, ...patterns]
  if (all.length === 0) return node.additionalProperties ?? true
  return all.reduce(both)
}

function matchesName(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name)
  } catch {
    return false
  }
}

function mergeItems(merged: JsonSchema, outer: JsonSchema, inner: JsonSchema): void {
  const [a, b] = [listOf(outer.prefixItems), listOf(inner.prefixItems)]
  const length = Math.max(a.length, b.length)
  if (length > 0) {
    merged.prefixItems = Array.from({ length }, (_, at) =>
      both(at < a.length ? a[at] : (outer.items ?? true), at < b.length ? b[at] : (inner.items ?? true)),
    )
  }
  if (outer.items !== undefined && inner.items !== undefined) merged.items = both(outer.items, inner.items)
}

/** Both at once, read when it is needed. */
export function both(a: unknown, b: unknown): unknown {
  if (a === true || a === b) return b
  if (b === true) return a
  return a === false || b === false ? false : { allOf: [a, b] }
}

function mapOf(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : {}
}
