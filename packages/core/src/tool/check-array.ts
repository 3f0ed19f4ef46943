import type { Schema } from '@cfworker/json-schema'
import { stableJson } from './fingerprint.ts'
import type { Evaluated, Place, SchemaRun } from './schema-run.ts'

/** The keywords for lists. */
export function checkArray(
  run: SchemaRun,
  schema: Schema,
  value: readonly unknown[],
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const { maxItems, minItems } = schema
  const { length } = value
  if (maxItems !== undefined && length > maxItems) {
    run.fail('maxItems', place, () => `Array has too many items (${length} > ${maxItems}).`)
  }
  if (minItems !== undefined && length < minItems) {
    run.fail('minItems', place, () => `Array has too few items (${length} < ${minItems}).`)
  }
  const next = checkItems(run, schema, value, place, evaluated)
  if (schema.contains !== undefined) checkContains(run, schema, schema.contains, value, place, evaluated)
  checkUnevaluated(run, schema, value, place, evaluated, next)
  if (schema.uniqueItems) checkUnique(run, value, place)
}

/** Returns the first index that no keyword had a say in. */
function checkItems(
  run: SchemaRun,
  schema: Schema,
  value: readonly unknown[],
  place: Place | undefined,
  evaluated: Evaluated,
): number {
  const { prefixItems, items, additionalItems } = schema
  const visit = (keyword: string, index: number, subschema: Schema | boolean, what: string): void => {
    const message = (): string => `Items did not match ${what}.`
    run.visitAs({ keyword, place, message }, subschema, value[index], { parent: place, key: index })
    evaluated[index] = true
  }
  let index = 0
  for (const subschema of Array.isArray(prefixItems) ? prefixItems.slice(0, value.length) : []) {
    visit('prefixItems', index, subschema, 'schema')
    index += 1
  }
  if (items === undefined) return index
  if (Array.isArray(items)) {
    for (; index < Math.min(items.length, value.length); index += 1) {
      visit('items', index, items[index] ?? true, 'schema')
    }
  } else for (; index < value.length; index += 1) visit('items', index, items, 'schema')
  if (additionalItems === undefined) return index
  for (; index < value.length; index += 1) visit('additionalItems', index, additionalItems, 'additional items schema')
  return index
}

function checkContains(
  run: SchemaRun,
  { minContains, maxContains }: Schema,
  contains: Schema | boolean,
  value: readonly unknown[],
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const { length } = value
  if (length === 0 && minContains === undefined) {
    run.fail('contains', place, () => 'Array is empty. It must contain at least one item matching the schema.')
    return
  }
  if (minContains !== undefined && length < minContains) {
    run.fail('minContains', place, () => `Array has less items (${length}) than minContains (${minContains}).`)
    return
  }
  const before = run.problems.length
  let count = 0
  for (const [index, item] of value.entries()) {
    if (!run.visit(contains, item, { parent: place, key: index })) continue
    evaluated[index] = true
    count += 1
  }
  if (count >= (minContains ?? 0)) run.problems.length = before
  if (minContains === undefined && count === 0) {
    run.fail('contains', place, () => 'Array does not contain item matching schema.')
  } else if (minContains !== undefined && count < minContains) {
    run.fail('minContains', place, () => {
      return `Array must contain at least ${minContains} items matching schema. Only ${count} items were found.`
    })
  } else if (maxContains !== undefined && count > maxContains) {
    run.fail('maxContains', place, () => {
      return `Array may contain at most ${maxContains} items matching schema. ${count} items were found.`
    })
  }
}

function checkUnevaluated(
  run: SchemaRun,
  { unevaluatedItems }: Schema,
  value: readonly unknown[],
  place: Place | undefined,
  evaluated: Evaluated,
  first: number,
): void {
  if (unevaluatedItems === undefined) return
  const message = (): string => 'Items did not match unevaluated items schema.'
  for (let index = first; index < value.length; index += 1) {
    if (evaluated[index]) continue
    const outer = { keyword: 'unevaluatedItems', place, message }
    run.visitAs(outer, unevaluatedItems, value[index], { parent: place, key: index })
    evaluated[index] = true
  }
}

function checkUnique(run: SchemaRun, value: readonly unknown[], place: Place | undefined): void {
  const indexes = new Map<string, number>()
  let first: readonly [number, number] | undefined
  for (const [index, item] of value.entries()) {
    const text = stableJson(item)
    run.spend(1 + text.length / 16)
    const earlier = indexes.get(text)
    if (earlier === undefined) indexes.set(text, index)
    else if (first === undefined || earlier < first[0]) first = [earlier, index]
  }
  if (first === undefined) return
  const [one, other] = first
  run.fail('uniqueItems', place, () => `Duplicate items at indexes ${one} and ${other}.`)
}
