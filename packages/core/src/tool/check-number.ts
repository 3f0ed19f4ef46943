import { type Schema, validate } from '@cfworker/json-schema'
import type { Place, SchemaRun } from './schema-run.ts'

/** The limits of a number. */
export function checkNumber(run: SchemaRun, schema: Schema, value: number, place: Place | undefined): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (minimum !== undefined && value < minimum) {
    run.fail('minimum', place, () => `${value} is less than ${minimum}.`)
  }
  if (maximum !== undefined && value > maximum) {
    run.fail('maximum', place, () => `${value} is greater than ${maximum}.`)
  }
  if (exclusiveMinimum !== undefined && value <= Number(exclusiveMinimum)) {
    run.fail('exclusiveMinimum', place, () => `${value} is less than ${exclusiveMinimum}.`)
  }
  if (exclusiveMaximum !== undefined && value >= Number(exclusiveMaximum)) {
    run.fail('exclusiveMaximum', place, () => `${value} is greater than or equal to ${exclusiveMaximum}.`)
  }
  // Decimals divide exactly only with care; the library takes it.
  if (multipleOf !== undefined && !validate(value, { multipleOf }, '2020-12', {}).valid) {
    run.fail('multipleOf', place, () => `${value} is not a multiple of ${multipleOf}.`)
  }
}
