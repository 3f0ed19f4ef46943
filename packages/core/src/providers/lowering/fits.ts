import { type Schema, Validator } from '@cfworker/json-schema'
import type { JsonSchema } from '../../protocol/schema-limits.ts'

/** Whether a value fits a lowered schema; made ready at its first use. */
export function fits(schema: JsonSchema): (value: unknown) => boolean {
  let validator: Validator | undefined
  return (value) => {
    // A copy, because the validator marks the schema it is given, and this one goes to a model.
    validator ??= new Validator(JSON.parse(JSON.stringify(schema)) as Schema, '2020-12')
    return validator.validate(value).valid
  }
}
