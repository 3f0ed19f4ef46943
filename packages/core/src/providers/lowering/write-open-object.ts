import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { shortenName } from '../tool-names.ts'
import type { MemberFold } from './fold.ts'
import type { ObjectShape } from './lower-object.ts'
import { describe, keepKeywords } from './lower-scalar.ts'
import type { Lowered, LoweringContext, Outcome, Place } from './lowering-context.ts'

/** Writes an object for a provider that does not enforce schemas: as it is, with names the provider takes. */
export function writeOpenObject(shape: ObjectShape, place: Place, context: LoweringContext): Outcome {
  const { node, members, required, others, notes } = shape
  const names = chooseNames([...members.keys()], context.rules.propertyName)
  const properties: [string, JsonSchema][] = []
  const folds = new Map<string, MemberFold>()
  for (const [name, member] of members) {
    const shown = names.get(name) as string
    context.write(shown.length)
    if (shown !== name) {
      const at = context.below(place, 'properties', name)
      context.change(
        'property_renamed',
        at,
        `property ${JSON.stringify(name.slice(0, 80))} renamed to "${shown}"`,
        `${context.rules.provider} takes names of 1 to 64 of a-z A-Z 0-9 _ . -`,
      )
    }
    properties.push([shown, shown === name ? member.schema : standingFor(name, member.schema)])
    folds.set(shown, { name, fold: member.fold, optional: false })
  }
  const schema: JsonSchema = { type: 'object', properties: Object.fromEntries(properties) }
  const needed = [...members.keys()].filter((name) => required.has(name)).map((name) => names.get(name))
  if (needed.length > 0) schema.required = needed
  const rest = isSchema(others) ? others : undefined
  if (rest) schema.additionalProperties = Object.keys(rest.schema).length === 0 ? true : rest.schema
  else if (others === 'closed') schema.additionalProperties = false
  else if (node.additionalProperties === true) schema.additionalProperties = true
  keepKeywords(['minProperties', 'maxProperties'], node, schema, notes, place, context)
  const isPlain =
    rest?.fold === undefined && [...folds].every(([key, { name, fold }]) => key === name && fold === undefined)
  return {
    schema: describe(node, schema, notes, place, context),
    fold: isPlain ? undefined : { kind: 'object', members: folds, rest: undefined, others: rest?.fold },
  }
}

/** Whether members of other names have a schema. */
export function isSchema(others: ObjectShape['others']): others is Lowered {
  return typeof others !== 'string'
}

function standingFor(name: string, schema: JsonSchema): JsonSchema {
  const text = `Stands for the member ${JSON.stringify(name)}.`
  return { ...schema, description: typeof schema.description === 'string' ? `${schema.description}\n${text}` : text }
}

/** A name the provider takes for each, the same ones every time. */
function chooseNames(names: readonly string[], allowed: RegExp | undefined): ReadonlyMap<string, string> {
  const isTaken = (name: string): boolean => allowed === undefined || allowed.test(name)
  const given = new Map(names.filter(isTaken).map((name) => [name, name]))
  const taken = new Set(given.keys())
  for (const name of names) {
    if (given.has(name)) continue
    let short = shortenName(name, 0)
    for (let attempt = 1; taken.has(short); attempt += 1) short = shortenName(name, attempt)
    given.set(name, short)
    taken.add(short)
  }
  return given
}
