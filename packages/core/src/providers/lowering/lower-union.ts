import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { fits } from './fits.ts'
import type { Fold } from './fold.ts'
import { flatten, lowerNode, lowerSchema } from './lower-node.ts'
import { describe } from './lower-scalar.ts'
import { isLowered, type Lowered, type LoweringContext, type Outcome, type Place } from './lowering-context.ts'
import { annotations, mergeNodes } from './merge-nodes.ts'
import { createNotes, type Notes } from './notes.ts'

/** Keywords that only say which members must be there, or which values must not. */
const conditionKeywords = new Set([
  'required',
  'not',
  'title',
  'description',
  'dependentRequired',
  'minProperties',
  'maxProperties',
])

/** Writes `anyOf` and `oneOf`, each branch with what stands beside the union. @throws LoweringRefusal */
export function lowerUnion(node: JsonSchema, place: Place, context: LoweringContext): Outcome {
  const key = node.anyOf === undefined ? 'oneOf' : 'anyOf'
  const { [key]: list, ...base } = node
  const branches = list as unknown[]
  if (branches.length > 1 && branches.every(isCondition)) return lowerConditions(base, key, branches, place, context)
  const outer = Object.fromEntries(Object.entries(base).filter(([each]) => annotations.has(each)))
  const values = Object.fromEntries(Object.entries(base).filter(([each]) => !annotations.has(each)))
  const outcomes = branches.map((branch, at) => {
    const below = context.below(place, key, String(at))
    if (Object.keys(values).length === 0) return lowerSchema(branch, below, context)
    const flat = flatten(branch, below, context)
    if (typeof flat === 'string') return flat
    const merged = mergeNodes(flat.schema, values, context)
    return merged === 'never' ? merged : lowerNode(merged, flat.place, context)
  })
  return lowerChoice(outer, outcomes, key, place, context)
}

/** Puts lowered branches together; `outer` is what the author says of them all. @throws LoweringRefusal */
export function lowerChoice(
  outer: JsonSchema,
  outcomes: readonly Outcome[],
  key: 'anyOf' | 'oneOf',
  place: Place,
  context: LoweringContext,
): Outcome {
  const notes = createNotes()
  const lowered = outcomes.filter(isLowered)
  const isCut = outcomes.includes('cut')
  if (lowered.length === 0) return isCut ? 'cut' : 'never'
  if (isCut) notes.sentences.push('Nested no deeper here: a form that would nest itself again is left out.')
  const written = context.rules.keywords.has(key) ? key : 'anyOf'
  const flat = written === 'anyOf' ? lowered.flatMap(splice) : lowered
  const distinct = [...new Map(flat.map((each) => [JSON.stringify(each.schema), each])).values()]
  const [only] = distinct
  if (distinct.length === 1 && only !== undefined) return withOuter(only, outer, notes, place, context)
  const schema: JsonSchema = {}
  if (key !== written && !areApart(lowered)) sayExclusive(notes, place, context)
  schema[written] = distinct.map((each) => each.schema)
  const folded = distinct.some(({ fold }) => fold !== undefined)
  const fold: Fold | undefined = folded
    ? { kind: 'choice', branches: distinct.map((each) => ({ fits: fits(each.schema), fold: each.fold })) }
    : undefined
  return { schema: describe(outer, schema, notes, place, context), fold }
}

/** A union of nothing but a union is that union: nested ones cost levels that some providers count. */
export function splice(branch: Lowered): Lowered[] {
  const { anyOf, ...others } = branch.schema
  const { fold } = branch
  if (!Array.isArray(anyOf) || Object.keys(others).length > 0 || (fold && fold.kind !== 'choice')) return [branch]
  return anyOf.map((schema: JsonSchema, at) => ({ schema, fold: fold?.branches[at]?.fold }))
}

function isCondition(branch: unknown): boolean {
  if (typeof branch !== 'object' || branch === null) return false
  const keys = Object.keys(branch)
  return keys.every((key) => conditionKeywords.has(key)) && keys.some((key) => !annotations.has(key))
}

/** A union that only says which members go together keeps the one form that all share. */
function lowerConditions(
  base: JsonSchema,
  key: string,
  branches: readonly unknown[],
  place: Place,
  context: LoweringContext,
): Outcome {
  return lowerNode(
    { ...base, allOf: [...((base.allOf as unknown[] | undefined) ?? []), { [key]: branches }] },
    place,
    context,
  )
}

function withOuter(only: Lowered, outer: JsonSchema, notes: Notes, place: Place, context: LoweringContext): Outcome {
  if (Object.keys(outer).length === 0 && notes.sentences.length === 0) return only
  const { description, ...inner } = only.schema
  const text = [outer.description, description].filter((each) => typeof each === 'string' && each !== '').join('\n')
  return {
    schema: describe({ ...outer, ...(text === '' ? {} : { description: text }) }, inner, notes, place, context),
    fold: only.fold,
  }
}

/** Whether no value can fit two branches: their types differ, or a member that all must have does. */
function areApart(branches: readonly Lowered[]): boolean {
  const schemas = branches.map((each) => each.schema)
  return schemas.every((schema, at) => schemas.slice(at + 1).every((other) => areDifferent(schema, other, 0)))
}

function areDifferent(a: JsonSchema, b: JsonSchema, depth: number): boolean {
  const [typesA, typesB] = [typesOf(a), typesOf(b)]
  if (typesA.length > 0 && typesB.length > 0 && !typesA.some((type) => typesB.includes(type))) return true
  if (Array.isArray(a.enum) && Array.isArray(b.enum)) {
    const { enum: others } = b as { enum: unknown[] }
    return !a.enum.some((value) => others.includes(value))
  }
  const [propertiesA, propertiesB] = [a.properties, b.properties] as (Record<string, JsonSchema> | undefined)[]
  if (depth > 0 || propertiesA === undefined || propertiesB === undefined) return false
  const required = (b.required as string[] | undefined) ?? []
  return ((a.required as string[] | undefined) ?? []).some(
    (name) => required.includes(name) && areDifferent(propertiesA[name] ?? {}, propertiesB[name] ?? {}, 1),
  )
}

function typesOf(schema: JsonSchema): unknown[] {
  const types = Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type]
  return types.map((type) => (type === 'integer' ? 'number' : type))
}

function sayExclusive(notes: Notes, place: Place, context: LoweringContext): void {
  notes.sentences.push('Exactly one of these forms may fit.')
  context.change('keyword_moved', place, '"oneOf" as "anyOf"', `${context.rules.provider} does not take it`)
}
