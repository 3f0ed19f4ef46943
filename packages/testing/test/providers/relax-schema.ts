import type { ToolChange } from '@atp/core/providers'

type Schema = Record<string, unknown>

/** Keywords that only make sense together: what moves with one moves with all. */
const together: Record<string, readonly string[]> = {
  prefixItems: ['prefixItems', 'items', 'additionalItems', 'unevaluatedItems'],
  patternProperties: ['patternProperties', 'additionalProperties'],
  allOf: ['allOf', 'anyOf', 'oneOf'],
  if: ['if', 'then', 'else'],
  dependentRequired: ['dependentRequired', 'dependencies'],
}

/** The original without the keywords that a report says were moved into descriptions: all that is still promised. */
export function relaxSchema(original: Schema, changes: readonly ToolChange[]): Schema {
  const copy = JSON.parse(JSON.stringify(original)) as Schema
  for (const { code, path, what } of changes) {
    const keyword = code === 'keyword_moved' ? /^"(\w+)" moved into the description$/.exec(what)?.[1] : undefined
    if (keyword === undefined) continue
    const part = find(copy, path)
    for (const key of together[keyword] ?? [keyword]) delete part?.[key]
  }
  return copy
}

function find(root: Schema, path: string): Schema | undefined {
  let node: unknown = root
  for (const step of path.split('/').slice(1))
    node = (node as Schema | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  return node as Schema | undefined
}
