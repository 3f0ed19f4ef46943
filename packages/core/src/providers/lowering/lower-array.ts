import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { lowerSchema } from './lower-node.ts'
import { describe, keepKeywords } from './lower-scalar.ts'
import { splice } from './lower-union.ts'
import { isLowered, type Lowered, type LoweringContext, type Outcome, type Place } from './lowering-context.ts'
import { createNotes, moveKeyword, moveKeywords, type Notes } from './notes.ts'

const arrayKeywords = ['uniqueItems', 'contains', 'minContains', 'maxContains', 'unevaluatedItems']

/** Writes a list or a tuple. @throws LoweringRefusal */
export function lowerArray(source: JsonSchema, place: Place, context: LoweringContext): Outcome {
  const notes = createNotes()
  const node = settleUnevaluated(source)
  const minItems = (node.minItems as number | undefined) ?? 0
  let maxItems = (node.maxItems as number | undefined) ?? Number.POSITIVE_INFINITY
  const members: Lowered[] = []
  for (const [at, part] of ((node.prefixItems as unknown[] | undefined) ?? []).entries()) {
    if (members.length >= maxItems) break
    const member = lowerSchema(part, context.below(place, 'prefixItems', String(at)), context)
    if (isLowered(member)) members.push(member)
    else maxItems = limitItems(at, member, notes)
  }
  let items: Outcome = 'never'
  if (maxItems > members.length) {
    items = lowerSchema(node.items ?? true, context.below(place, 'items'), context)
    if (!isLowered(items)) maxItems = limitItems(members.length, items, notes)
  }
  if (minItems > maxItems) return items === 'cut' || notes.sentences.length > 0 ? 'cut' : 'never'
  moveKeywords(arrayKeywords, node, notes, place, context)
  const rest = isLowered(items) && maxItems > members.length ? items : undefined
  const limits = { minItems, maxItems }
  if (members.length === 0) return writeList(rest, limits, node, notes, place, context)
  const first = JSON.stringify(members[0]?.schema)
  const isUniform = members.every(({ schema }) => JSON.stringify(schema) === first)
  if (isUniform && (rest === undefined || JSON.stringify(rest.schema) === first)) {
    return writeList(members[0], limits, node, notes, place, context)
  }
  return context.rules.strict
    ? writeTuple(members, rest, limits, node, notes, place, context)
    : writeMixedList(members, rest, limits, node, notes, place, context)
}

interface ItemLimits {
  minItems: number
  /** Infinity where there is none. */
  maxItems: number
}

/** Where nothing but `prefixItems` decides what was evaluated, `unevaluatedItems` is `items`. */
function settleUnevaluated(node: JsonSchema): JsonSchema {
  const { unevaluatedItems, ...others } = node
  const isPlain = ['if', 'allOf', 'contains', 'not'].every((key) => node[key] === undefined)
  return unevaluatedItems === undefined || !isPlain ? node : { ...others, items: node.items ?? unevaluatedItems }
}

function limitItems(length: number, outcome: 'never' | 'cut', notes: Notes): number {
  if (outcome === 'cut') {
    notes.sentences.push(
      length === 0 ? 'Nested no deeper here: leave it empty.' : `Nested no deeper here: at most ${length} items.`,
    )
  }
  return length
}

function writeList(
  item: Lowered | undefined,
  limits: ItemLimits,
  node: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): Outcome {
  // A list that must be empty still needs the schema of its items.
  const schema: JsonSchema = { type: 'array', items: item?.schema ?? { type: 'string' }, ...writeLimits(limits) }
  keepKeywords(['uniqueItems'], node, schema, notes, place, context)
  const fold = item?.fold === undefined ? undefined : ({ kind: 'list', prefix: [], items: item.fold } as const)
  return { schema: describe(node, schema, notes, place, context), fold }
}

function writeLimits({ minItems, maxItems }: ItemLimits): JsonSchema {
  return { ...(minItems > 0 ? { minItems } : {}), ...(maxItems < Number.POSITIVE_INFINITY ? { maxItems } : {}) }
}

/** For a provider that does not enforce schemas: a list of what may stand anywhere, and in the description what stands where. */
function writeMixedList(
  members: readonly Lowered[],
  rest: Lowered | undefined,
  limits: ItemLimits,
  node: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): Outcome {
  const all = [...members, ...(rest === undefined ? [] : [rest])].flatMap(splice).map(({ schema }) => schema)
  const distinct = [...new Map(all.map((schema) => [JSON.stringify(schema), schema])).values()]
  const isAny = distinct.some((schema) => Object.keys(schema).length === 0)
  const schema: JsonSchema = { type: 'array', items: isAny ? {} : { anyOf: distinct }, ...writeLimits(limits) }
  moveKeyword(
    'prefixItems',
    members.map((member) => member.schema),
    notes,
    place,
    context,
  )
  if (rest && !isAny) moveKeyword('items', rest.schema, notes, place, context)
  keepKeywords(['uniqueItems'], node, schema, notes, place, context)
  const prefix = members.map((member) => member.fold)
  const isPlain = rest?.fold === undefined && prefix.every((fold) => fold === undefined)
  return {
    schema: describe(node, schema, notes, place, context),
    fold: isPlain ? undefined : { kind: 'list', prefix, items: rest?.fold },
  }
}

/** For a provider that enforces schemas: an object with a member for each item, which cannot be mixed up. */
function writeTuple(
  members: readonly Lowered[],
  rest: Lowered | undefined,
  limits: ItemLimits,
  node: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): Outcome {
  const { minItems, maxItems } = limits
  context.change(
    'tuple_as_object',
    place,
    `a tuple of ${members.length} as an object`,
    'strict mode takes no "prefixItems"',
  )
  if (typeof node.minItems === 'number' && minItems < members.length) {
    context.change(
      'tuple_narrowed',
      place,
      `all ${members.length} items are required`,
      'an object of strict mode cannot leave the last ones out',
    )
  }
  notes.sentences.push('A list, written as an object with a member for each item.')
  const named = members.map(({ schema, fold }, at) => ({ name: `item_${at + 1}`, schema, fold }))
  const properties: JsonSchema = Object.fromEntries(named.map(({ name, schema }) => [name, schema]))
  if (rest !== undefined) {
    const left: ItemLimits = { minItems: Math.max(0, minItems - members.length), maxItems: maxItems - members.length }
    properties.further_items = { type: 'array', items: rest.schema, ...writeLimits(left) }
  }
  const schema: JsonSchema = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
  return {
    schema: describe(node, schema, notes, place, context),
    fold: {
      kind: 'tuple',
      members: named,
      rest: rest === undefined ? undefined : { name: 'further_items', fold: rest.fold },
    },
  }
}
