import { isJsonObject } from '../../protocol/json.ts'
import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { lowerArray } from './lower-array.ts'
import { lowerEnum } from './lower-enum.ts'
import { lowerObject } from './lower-object.ts'
import { lowerScalar } from './lower-scalar.ts'
import { lowerChoice, lowerUnion } from './lower-union.ts'
import type { LoweringContext, Outcome, Place } from './lowering-context.ts'
import { LoweringRefusal } from './lowering-refusal.ts'
import { mergeNodes } from './merge-nodes.ts'
import { readNode } from './read-node.ts'

/**
 * Writes any part of a schema in a provider's form.
 * @throws LoweringRefusal
 */
export function lowerSchema(schema: unknown, place: Place, context: LoweringContext): Outcome {
  const flat = flatten(schema, place, context)
  if (typeof flat === 'string') return flat
  return lowerNode(flat.schema, flat.place, context)
}

/** Writes a node without references and intersections. @throws LoweringRefusal */
export function lowerNode(node: JsonSchema, place: Place, context: LoweringContext): Outcome {
  context.spend(1)
  if (node.anyOf !== undefined || node.oneOf !== undefined) return lowerUnion(node, place, context)
  if (Array.isArray(node.enum)) return lowerEnum(node, place, context)
  const types = (node.type as string[] | undefined) ?? inferTypes(node)
  const structured = types.filter((type) => type === 'object' || type === 'array')
  if (structured.length > 0 && types.length > 1) {
    context.change('form_changed', place, `types ${types.join(', ')} as a union`, 'each type has keywords of its own')
    const { title, description, default: fallback, examples, ...values } = node
    const branches = types.map((type) => ({ ...values, type: [type] }))
    const outer = Object.fromEntries(
      Object.entries({ title, description, default: fallback, examples }).filter(([, value]) => value !== undefined),
    )
    return lowerChoice(
      outer,
      branches.map((branch) => lowerNode(branch, context.deeper(place, place.path), context)),
      'anyOf',
      place,
      context,
    )
  }
  if (types[0] === 'object') return lowerObject(node, place, context)
  if (types[0] === 'array') return lowerArray(node, place, context)
  return lowerScalar(node, types, place, context)
}

const objectKeywords = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
]
const arrayKeywords = ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']
const textKeywords = ['pattern', 'minLength', 'maxLength', 'format']
const numberKeywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']

/** What a schema without `type` is of, by its keywords; empty where it may be anything. */
function inferTypes(node: JsonSchema): string[] {
  const has = (keys: readonly string[]): boolean => keys.some((key) => node[key] !== undefined)
  return [
    ...(has(objectKeywords) ? ['object'] : []),
    ...(has(arrayKeywords) ? ['array'] : []),
    ...(has(textKeywords) ? ['string'] : []),
    ...(has(numberKeywords) ? ['number'] : []),
  ]
}

/** A node as it is meant: dialect read, references followed, intersections merged. @throws LoweringRefusal */
export function flatten(
  schema: unknown,
  place: Place,
  context: LoweringContext,
): { schema: JsonSchema; place: Place } | 'never' | 'cut' {
  context.spend(1)
  if (schema === false) return 'never'
  if (!isJsonObject(schema)) return { schema: {}, place }
  const { $ref: reference, allOf, ...own } = readNode(schema, place, context)
  let flat: { schema: JsonSchema; place: Place } = { schema: own, place }
  const parts = [
    ...(typeof reference === 'string' ? [() => follow(reference, flat.place, context)] : []),
    ...((allOf as unknown[] | undefined) ?? []).map(
      (part) => () => flatten(part, context.deeper(flat.place, place.path), context),
    ),
  ]
  for (const part of parts) {
    const other = part()
    if (typeof other === 'string') return other
    const merged = mergeNodes(flat.schema, other.schema, context)
    if (merged === 'never') return 'never'
    const isPlain = Object.keys(own).length === 0 && parts.length === 1
    const levels = Math.max(flat.place.levels, other.place.levels)
    flat = { schema: merged, place: { ...place, path: isPlain ? other.place.path : place.path, levels } }
  }
  return flat
}

/** What a reference points at, as deep as recursion is unrolled. */
function follow(
  reference: string,
  place: Place,
  context: LoweringContext,
): { schema: JsonSchema; place: Place } | 'never' | 'cut' {
  const target = context.references.resolve(reference)
  if (target === undefined) {
    throw new LoweringRefusal(
      'bad_reference',
      `"$ref": ${JSON.stringify(reference.slice(0, 80))} points at nothing in the schema`,
    )
  }
  const levels = place.levels + (target.cyclic ? 1 : 0)
  if (levels > context.maxLevels) {
    context.change(
      'recursion_cut',
      target,
      `recursion ends after ${context.maxLevels} levels`,
      'references are inlined, and this one goes in a circle',
    )
    return 'cut'
  }
  context.change(
    'reference_inlined',
    place,
    `"$ref" to ${JSON.stringify(reference.slice(0, 80))} inlined`,
    'not every provider follows references',
  )
  return flatten(target.schema, { ...context.deeper(place, target.path), levels }, context)
}
