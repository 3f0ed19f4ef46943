import { deepCompareStrict, type Schema } from '@cfworker/json-schema'
import type { Evaluated, Place, Problem, SchemaRun } from './schema-run.ts'

/** `type`, `const` and `enum` */
export function checkAnyType(run: SchemaRun, schema: Schema, value: unknown, place: Place | undefined): void {
  const { type, const: constant, enum: allowed } = schema
  const own = typeOf(value)
  if (type !== undefined) {
    const types: readonly unknown[] = Array.isArray(type) ? type : [type]
    if (!types.some((name) => name === own || (name === 'integer' && Number.isInteger(value)))) {
      run.fail('type', place, () => `Instance type "${own}" is invalid. Expected "${types.join('", "')}".`)
    }
  }
  if (constant !== undefined && !isEqual(value, constant)) {
    run.fail('const', place, () => `Instance does not match ${JSON.stringify(constant)}.`)
  }
  if (allowed !== undefined) {
    run.spend(allowed.length / 16)
    if (!allowed.some((one: unknown) => isEqual(value, one))) {
      run.fail('enum', place, () => `Instance does not match any of ${JSON.stringify(allowed)}.`)
    }
  }
}

/** `not`, `anyOf`, `allOf`, `oneOf`, `if` */
export function checkCombinations(
  run: SchemaRun,
  schema: Schema,
  value: unknown,
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const { not, anyOf, allOf, oneOf, if: condition } = schema
  if (not !== undefined && run.fits(not, value, place)) {
    run.fail('not', place, () => 'Instance matched "not" schema.')
  }
  const seen: Evaluated[] = []
  if (anyOf !== undefined) {
    const outer = { keyword: 'anyOf', place, message: () => 'Instance does not match any subschemas.' }
    checkList(run, anyOf, value, outer, evaluated, seen, (count) => count > 0)
  }
  if (allOf !== undefined) {
    const outer = { keyword: 'allOf', place, message: () => 'Instance does not match every subschema.' }
    checkList(run, allOf, value, outer, evaluated, seen, (count) => count === allOf.length)
  }
  if (oneOf !== undefined) {
    let matching = 0
    const message = (): string => `Instance does not match exactly one subschema (${matching} matches).`
    checkList(run, oneOf, value, { keyword: 'oneOf', place, message }, evaluated, seen, (count) => {
      matching = count
      return count === 1
    })
  }
  Object.assign(evaluated, ...seen)
  if (condition !== undefined) checkCondition(run, schema, condition, value, place, evaluated)
}

function checkList(
  run: SchemaRun,
  schemas: readonly (Schema | boolean)[],
  value: unknown,
  outer: Problem,
  evaluated: Evaluated,
  seen: Evaluated[],
  isEnough: (count: number) => boolean,
): void {
  const before = run.problems.push(outer) - 1
  let count = 0
  for (const schema of schemas) {
    // What the schemas of one list see is not seen by one another.
    const own: Evaluated = Object.create(evaluated)
    run.spend(2)
    if (!run.visit(schema, value, outer.place, own)) continue
    count += 1
    seen.push(own)
  }
  if (isEnough(count)) run.problems.length = before
}

function checkCondition(
  run: SchemaRun,
  { then, else: otherwise }: Schema,
  condition: Schema | boolean,
  value: unknown,
  place: Place | undefined,
  evaluated: Evaluated,
): void {
  const own: Evaluated = Object.create(null)
  const holds = run.fits(condition, value, place, own)
  if (holds) Object.assign(evaluated, own)
  const branch = holds ? then : otherwise
  if (branch === undefined) return
  const message = (): string => `Instance does not match "${holds ? 'then' : 'else'}" schema.`
  run.visitAs({ keyword: 'if', place, message }, branch, value, place, evaluated)
}

function isEqual(value: unknown, other: unknown): boolean {
  return typeof value === 'object' && value !== null ? deepCompareStrict(value, other) : value === other
}

/** @throws Error for what JSON does not have */
function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  if (type === 'object' || type === 'string' || type === 'number' || type === 'boolean') return type
  throw new Error(`Instances of "${type}" type are not supported.`)
}
