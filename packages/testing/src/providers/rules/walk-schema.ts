/** A part of a schema and where it stands. */
export interface Part {
  schema: Record<string, unknown>
  path: string
  /** How many objects it lies in. */
  level: number
}

/** Every schema in a schema, the root first. Knows the keywords of JSON Schema 2020-12 whose values are schemas. */
export function* walkSchema(schema: unknown, path = '', level = 0): Generator<Part> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return
  const node = schema as Record<string, unknown>
  yield { schema: node, path, level }
  for (const key of ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']) {
    for (const [name, part] of Object.entries((node[key] as object | undefined) ?? {})) {
      yield* walkSchema(part, `${path}/${key}/${name}`, level + 1)
    }
  }
  for (const key of ['anyOf', 'oneOf', 'allOf', 'prefixItems']) {
    const list = node[key]
    if (Array.isArray(list))
      for (const [at, part] of list.entries()) yield* walkSchema(part, `${path}/${key}/${at}`, level)
  }
  for (const key of ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']) {
    yield* walkSchema(node[key], `${path}/${key}`, level + (key === 'additionalProperties' ? 1 : 0))
  }
}
