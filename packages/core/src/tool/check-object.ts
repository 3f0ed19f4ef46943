import type { Schema } from '@cfworker/json-schema'
import { isJsonObject } from '../protocol/json.ts'
import type { Evaluated, Place, SchemaRun } from './schema-run.ts'

type Members = Record<string, unknown>

/** The keywords for objects. */
export function checkObject(
  run: SchemaRun,
  schema: Schema,
  value: Members,
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  checkNames(run, schema, value, place)
  checkDependencies(run, schema, value, place, evaluated)
  checkMembers(run, schema, value, place, evaluated)
}

function checkNames(run: SchemaRun, schema: Schema, value: Members, place: Place | undefined): void {
  const { required, minProperties, maxProperties, propertyNames } = schema
  checkRequired(run, required ?? [], value, 'required', place, (name) => {
    return `Instance does not have required property "${name}".`
  })
  const count = Object.keys(value).length
  run.spend(count / 16)
  if (minProperties !== undefined && count < minProperties) {
    run.fail('minProperties', place, () => `Instance does not have at least ${minProperties} properties.`)
  }
  if (maxProperties !== undefined && count > maxProperties) {
    run.fail('maxProperties', place, () => `Instance does not have at least ${maxProperties} properties.`)
  }
  if (propertyNames === undefined) return
  for (const key of Object.keys(value)) {
    const message = (): string => `Property name "${key}" does not match schema.`
    run.visitAs({ keyword: 'propertyNames', place, message }, propertyNames, key, { parent: place, key })
  }
}

function checkDependencies(
  run: SchemaRun,
  schema: Schema,
  value: Members,
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const missing =
    (key: string) =>
    (name: string): string =>
      `Instance has "${key}" but does not have "${name}".`
  for (const [key, names] of presentOf(run, schema.dependentRequired, value)) {
    checkRequired(run, names, value, 'dependentRequired', place, missing(key))
  }
  for (const [key, dependent] of presentOf(run, schema.dependentSchemas, value)) {
    const message = (): string => `Instance has "${key}" but does not match dependant schema.`
    run.visitAs({ keyword: 'dependentSchemas', place, message }, dependent, value, place, evaluated)
  }
  for (const [key, dependency] of presentOf(run, schema.dependencies, value)) {
    if (Array.isArray(dependency)) checkRequired(run, dependency, value, 'dependencies', place, missing(key))
    else {
      const message = (): string => `Instance has "${key}" but does not match dependant schema.`
      run.visitAs({ keyword: 'dependencies', place, message }, dependency, value, place)
    }
  }
}

function checkMembers(
  run: SchemaRun,
  schema: Schema,
  value: Members,
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const { patternProperties, additionalProperties, unevaluatedProperties } = schema
  const named = new Set<string>()
  const visit = (keyword: string, key: string, subschema: Schema | boolean, message: () => string): void => {
    const inner = { parent: place, key }
    if (run.visitAs({ keyword, place, message }, subschema, value[key], inner)) evaluated[key] = true
  }
  for (const [key, subschema] of presentOf(run, schema.properties, value)) {
    named.add(key)
    visit('properties', key, subschema, () => `Property "${key}" does not match schema.`)
  }
  for (const [pattern, subschema] of Object.entries(patternProperties ?? {})) {
    for (const key of Object.keys(value)) {
      if (!run.matches(pattern, key)) continue
      named.add(key)
      visit('patternProperties', key, subschema, () => {
        return `Property "${key}" matches pattern "${pattern}" but does not match associated schema.`
      })
    }
  }
  if (additionalProperties !== undefined) {
    for (const key of Object.keys(value)) {
      if (named.has(key)) continue
      visit('additionalProperties', key, additionalProperties, () => {
        return `Property "${key}" does not match additional properties schema.`
      })
    }
  } else if (unevaluatedProperties !== undefined) {
    for (const key of Object.keys(value)) {
      if (evaluated[key]) continue
      visit('unevaluatedProperties', key, unevaluatedProperties, () => {
        return `Property "${key}" does not match unevaluated properties schema.`
      })
    }
  }
}

function checkRequired(
  run: SchemaRun,
  names: readonly string[],
  value: Members,
  keyword: string,
  place: Place | undefined,
  message: (name: string) => string,
): void {
  if (!Array.isArray(names)) return
  run.spend(names.length / 16)
  for (const name of names) if (!Object.hasOwn(value, name)) run.fail(keyword, place, () => message(name))
}

/** The entries for members that the value has. */
function presentOf<T>(run: SchemaRun, entries: Record<string, T> | undefined, value: Members): [string, T][] {
  if (!isJsonObject(entries)) return []
  const all = Object.entries(entries) as [string, T][]
  run.spend(all.length / 16)
  return all.filter(([key]) => Object.hasOwn(value, key))
}
