import { isJsonObject } from '../../protocol/json.ts'
import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { flatten, lowerSchema } from './lower-node.ts'
import { lowerChoice } from './lower-union.ts'
import { isLowered, type Lowered, type LoweringContext, type Outcome, type Place } from './lowering-context.ts'
import { schemaOfMember } from './merge-nodes.ts'
import { createNotes, moveKeywords, type Notes } from './notes.ts'
import { writeOpenObject } from './write-open-object.ts'
import { writeStrictObject } from './write-strict-object.ts'

/** An object schema with its parts lowered, before it is written in one of the two ways. */
export interface ObjectShape {
  node: JsonSchema
  members: ReadonlyMap<string, Lowered>
  required: ReadonlySet<string>
  /** What members of other names may be; `any` when the schema does not say, `free` when it says that it does not matter. */
  others: Lowered | 'any' | 'free' | 'closed'
  notes: Notes
}

/** How many names of `propertyNames` become properties. Ours. */
const maxEnumeratedNames = 64
const objectKeywords = [
  'minProperties',
  'maxProperties',
  'propertyNames',
  'patternProperties',
  'dependentRequired',
  'dependentSchemas',
  'unevaluatedProperties',
]

/** Writes an object. @throws LoweringRefusal */
export function lowerObject(source: JsonSchema, place: Place, context: LoweringContext): Outcome {
  const notes = createNotes()
  const node = settleNames(settleUnevaluated(source), place, context)
  const required = new Set(node.required as string[] | undefined)
  const members = new Map<string, Lowered>()
  for (const name of new Set([...Object.keys((node.properties as object | undefined) ?? {}), ...required])) {
    const outcome =
      // Rule I1: no peer reads arguments with this member, so nobody could send it.
      name === '__proto__'
        ? 'never'
        : lowerSchema(schemaOfMember(node, name), context.below(place, 'properties', name), context)
    if (isLowered(outcome)) members.set(name, outcome)
    else if (required.has(name)) return outcome
    else drop(name, outcome, notes, place, context)
  }
  const others = lowerOthers(node, notes, place, context)
  moveKeywords(objectKeywords, node, notes, place, context)
  const shape: ObjectShape = { node, members, required, others, notes }
  return context.rules.strict ? writeStrictObject(shape, place, context) : writeOpenObject(shape, place, context)
}

/** Where nothing but `properties` decides what was evaluated, `unevaluatedProperties` is `additionalProperties`. */
function settleUnevaluated(node: JsonSchema): JsonSchema {
  const { unevaluatedProperties, ...others } = node
  const isPlain = ['if', 'allOf', 'dependentSchemas', 'not'].every((key) => node[key] === undefined)
  if (unevaluatedProperties === undefined || !isPlain) return node
  return { ...others, additionalProperties: node.additionalProperties ?? unevaluatedProperties }
}

/** An object whose names are listed has those properties and no others. */
function settleNames(node: JsonSchema, place: Place, context: LoweringContext): JsonSchema {
  if (!isJsonObject(node.propertyNames)) return node
  const flat = flatten(node.propertyNames, context.below(place, 'propertyNames'), context)
  const names = typeof flat === 'string' ? [] : flat.schema.enum
  if (!Array.isArray(names) || names.length > maxEnumeratedNames || !names.every((name) => typeof name === 'string'))
    return node
  const { propertyNames: _, patternProperties: __, ...others } = node
  context.change('form_changed', place, 'the allowed names as properties', 'not every provider takes "propertyNames"')
  return {
    ...others,
    properties: Object.fromEntries(names.map((name) => [name, schemaOfMember(node, name)])),
    additionalProperties: false,
  }
}

function drop(name: string, outcome: 'never' | 'cut', notes: Notes, place: Place, context: LoweringContext): void {
  const shown = JSON.stringify(name.slice(0, 80))
  if (outcome === 'cut') {
    notes.sentences.push(`Nested no deeper here: ${shown} is left out.`)
    return
  }
  context.change(
    name === '__proto__' ? 'property_dropped' : 'form_changed',
    place,
    `property ${shown} left out`,
    'no value can be sent for it',
  )
  if (name !== '__proto__')
    notes.constraints.properties = { ...(notes.constraints.properties as object), [name]: false }
}

function lowerOthers(node: JsonSchema, notes: Notes, place: Place, context: LoweringContext): ObjectShape['others'] {
  const { additionalProperties } = node
  const patterns = Object.keys((node.patternProperties as object | undefined) ?? {})
  if (additionalProperties === undefined || additionalProperties === true) {
    return additionalProperties === undefined && patterns.length === 0 ? 'any' : 'free'
  }
  if (additionalProperties === false && patterns.length > 0) notes.constraints.additionalProperties = false
  const outcomes = patterns.map((pattern) =>
    lowerSchema(
      (node.patternProperties as JsonSchema)[pattern],
      context.below(place, 'patternProperties', pattern),
      context,
    ),
  )
  if (additionalProperties !== false) {
    outcomes.push(lowerSchema(additionalProperties, context.below(place, 'additionalProperties'), context))
  }
  if (outcomes.includes('cut'))
    notes.sentences.push('Nested no deeper here: members that would nest this again are left out.')
  const choice = lowerChoice({}, outcomes, 'anyOf', { ...place, path: `${place.path}/additionalProperties` }, context)
  return isLowered(choice) ? choice : 'closed'
}
