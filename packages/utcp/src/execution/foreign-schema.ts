import type { JsonSchema } from '@atp/core'
import { type CompiledSchema, compileSchema } from '@atp/core/protocol'
import { linearPatterns } from './linear-patterns.ts'

/**
 * Compiles a schema that nobody we trust wrote: its patterns do not backtrack, and a check ends soon (rule I5).
 * @throws AtpError `invalid_schema`; its cause is a `RefusedPattern` where a pattern is all that is wrong
 */
export async function compileForeignSchema(schema: JsonSchema, what: string): Promise<CompiledSchema> {
  const compilePattern = hasPatterns(schema) ? await linearPatterns() : unreachable
  return compileSchema(schema, 'input', what, { compilePattern })
}

/** A name that only looks like the keyword costs no more than loading the engine. */
function hasPatterns(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return false
  return Object.entries(value).some(
    ([name, member]) => name === 'pattern' || name === 'patternProperties' || hasPatterns(member, depth + 1),
  )
}

/** Deeper schemas are refused. */
const maxDepth = 64

function unreachable(): never {
  throw new Error('The schema was taken for one without patterns')
}
