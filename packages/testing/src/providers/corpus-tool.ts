import type { JsonSchema } from '@atp/core'

/** A tool of the corpus: a schema as an API's author would write it, and arguments on both sides of it. */
export interface CorpusTool {
  name: string
  description: string
  schema: JsonSchema
  /** At least two, each within the schema. */
  valid: readonly Record<string, unknown>[]
  /** At least one that the schema refuses. */
  invalid: readonly Record<string, unknown>[]
}

/** Property schemas that many tools share, spelled once. */
export const text = (description?: string): JsonSchema => ({ type: 'string', ...(description ? { description } : {}) })

/** An object schema in the most common form. */
export function object(properties: JsonSchema, required: readonly string[] = [], more: JsonSchema = {}): JsonSchema {
  return { type: 'object', properties, ...(required.length > 0 ? { required: [...required] } : {}), ...more }
}

/** A list of something. */
export function list(items: unknown, more: JsonSchema = {}): JsonSchema {
  return { type: 'array', items, ...more }
}

/** One of some texts. */
export function oneOfTexts(...values: string[]): JsonSchema {
  return { type: 'string', enum: values }
}
