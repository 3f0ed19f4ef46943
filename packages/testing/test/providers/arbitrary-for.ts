import fc from 'fast-check'

type Schema = Record<string, unknown>

/**
 * Arguments as a model would write them that obeys a lowered schema, and reads the `Constraints:` of descriptions where
 * they are of single values and lists. Knows the keywords that lowered schemas use, and nothing of the originals.
 */
export function arbitraryFor(given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = withConstraints(given)
  const branches = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (branches) {
    // What a union's description says holds for its branches, where they say nothing themselves.
    const { description } = schema
    return fc.oneof(...branches.map((branch) => arbitraryFor({ description, ...branch }, depth)))
  }
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  if (schema.type === undefined) return fc.jsonValue({ maxDepth: 2 }).filter(isSafe)
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]) as string[]
  return fc.oneof(...types.map((type) => arbitraryOfType(type, schema, depth)))
}

function arbitraryOfType(type: string, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (type) {
    case 'object':
      return objects(schema, depth)
    case 'array':
      return arrays(schema, depth)
    case 'string':
      return texts(schema)
    case 'integer':
      return numbers(schema, 1)
    case 'number':
      return numbers(schema, (schema.multipleOf as number | undefined) ?? 0)
    case 'boolean':
      return fc.boolean()
    default:
      return fc.constant(null)
  }
}

/** The keywords of the description's last line that can be kept by looking at the value alone. */
export const readable: readonly string[] = [
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'not',
  'prefixItems',
  'default',
  'examples',
]

function withConstraints(schema: Schema): Schema {
  const line = String(schema.description ?? '')
    .split('\n')
    .find((each) => each.startsWith('Constraints: '))
  if (line === undefined) return schema
  const constraints = JSON.parse(line.slice('Constraints: '.length)) as Schema
  return { ...schema, ...Object.fromEntries(Object.entries(constraints).filter(([key]) => readable.includes(key))) }
}

/** How many members and items of a kind are given this deep: recursion must come to an end. */
const breadth = (depth: number): number => (depth > 3 ? 1 : 3)

function objects(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const properties = (schema.properties as Record<string, Schema> | undefined) ?? {}
  const names = Object.keys(properties)
  const required = new Set(schema.required as string[] | undefined)
  const { additionalProperties } = schema
  const minProperties = (schema.minProperties as number | undefined) ?? 0
  const maxProperties = (schema.maxProperties as number | undefined) ?? Number.POSITIVE_INFINITY
  // Where null says that a member is not given, such a member does not count.
  const nullable = new Set(names.filter((name) => String(properties[name]?.description).includes('null: not given')))
  const optional = names.filter((name) => nullable.has(name) || !required.has(name))
  const fixed = names.length - optional.length
  const maxOptional = Math.max(0, Math.min(optional.length, maxProperties - fixed))
  const minOptional = Math.min(maxOptional, Math.max(0, minProperties - fixed))
  const isOpen = additionalProperties !== false && additionalProperties !== undefined
  const others = additionalProperties === true ? {} : (additionalProperties as Schema)
  return fc
    .subarray(optional, {
      minLength: minOptional,
      maxLength: Math.max(minOptional, Math.min(maxOptional, breadth(depth))),
    })
    .chain((given) => {
      const missing = Math.max(0, minProperties - fixed - given.length)
      const room = Math.min(breadth(depth), maxProperties - fixed - given.length)
      const parts = names.map((name): [string, fc.Arbitrary<unknown>] => {
        if (given.includes(name) || !optional.includes(name))
          return [name, arbitraryFor(withoutNull(properties[name] ?? {}, nullable.has(name)), depth + 1)]
        return [name, nullable.has(name) ? fc.constant(null) : fc.constant(undefined)]
      })
      const present = parts.filter(([name]) => given.includes(name) || nullable.has(name) || required.has(name))
      const more =
        isOpen && room > 0
          ? fc.dictionary(fc.stringMatching(/^zz[a-z]{1,4}$/), arbitraryFor(others, depth + 1), {
              minKeys: missing,
              maxKeys: room,
            })
          : fc.constant({})
      return fc.tuple(more, fc.record(Object.fromEntries(present))).map(([free, own]) => ({ ...free, ...own }))
    })
}

/** A member that is given is not null, where null says that it is not. */
function withoutNull(schema: Schema, isNullable: boolean): Schema {
  if (!isNullable) return schema
  const types = Array.isArray(schema.type) ? schema.type.filter((type) => type !== 'null') : schema.type
  const anyOf = (schema.anyOf as Schema[] | undefined)?.filter(({ type }) => type !== 'null')
  const values = (schema.enum as unknown[] | undefined)?.filter((value) => value !== null)
  return {
    ...schema,
    ...(types === undefined ? {} : { type: types }),
    ...(anyOf ? { anyOf } : {}),
    ...(values ? { enum: values } : {}),
  }
}

function arrays(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const minLength = Math.max(
    (schema.minItems as number | undefined) ?? 0,
    (schema.minProperties as number | undefined) ?? 0,
  )
  const maxLength = Math.min(
    (schema.maxItems as number | undefined) ?? Number.POSITIVE_INFINITY,
    (schema.maxProperties as number | undefined) ?? Number.POSITIVE_INFINITY,
    Math.max(minLength, breadth(depth)),
  )
  const items = arbitraryFor((schema.items as Schema | undefined) ?? {}, depth + 1)
  if (Array.isArray(schema.prefixItems)) {
    const parts = (schema.prefixItems as Schema[]).map((part) => arbitraryFor(part, depth + 1))
    return fc
      .tuple(fc.integer({ min: minLength, max: Math.min(parts.length, maxLength) }), fc.tuple(...parts))
      .map(([length, all]) => all.slice(0, length))
  }
  const isMap = String(schema.description).includes('written as the list of its members')
  if (isMap) {
    // Each key once, as the description says.
    return fc.uniqueArray(items, { minLength, maxLength, selector: (entry) => (entry as { key: string }).key })
  }
  return schema.uniqueItems === true
    ? fc.uniqueArray(items, { minLength, maxLength, selector: (item) => JSON.stringify(item) })
    : fc.array(items, { minLength, maxLength })
}

function texts(schema: Schema): fc.Arbitrary<unknown> {
  const {
    minLength = 0,
    maxLength = 5_000,
    not,
  } = schema as { minLength?: number; maxLength?: number; not?: { const?: unknown } }
  const text = textOf(schema, minLength, maxLength)
  return text.filter(
    (value) => [...value].length >= minLength && [...value].length <= maxLength && not?.const !== value,
  )
}

function textOf({ format, pattern }: Schema, minLength: number, maxLength: number): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return patterns(pattern)
  switch (format) {
    case 'date-time':
      return days.map((day) => `${day}T10:00:00Z`)
    case 'date':
      return days
    case 'email':
      return fc.stringMatching(/^[a-z]{1,8}@[a-z]{1,8}\.(com|ch)$/)
    case 'uuid':
      return fc.uuid()
    case 'uri':
      return fc.stringMatching(/^https:\/\/[a-z]{1,8}\.example\/[a-z]{0,5}$/)
    case 'json-pointer':
      return fc.stringMatching(/^(\/[a-z]{1,3}){0,3}$/)
    default:
      return fc.string({ unit: 'grapheme-ascii', minLength, maxLength: Math.min(maxLength, minLength + 12) })
  }
}

const days = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

function patterns(pattern: string): fc.Arbitrary<string> {
  // The generator of fast-check cannot look ahead; the only pattern of the corpus that does is a path.
  if (pattern.includes('(?'))
    return fc.stringMatching(/^[a-z]{1,8}$/).filter((text) => new RegExp(pattern, 'u').test(text))
  return fc.stringMatching(new RegExp(pattern, 'u'), { maxLength: 80 })
}

function numbers(schema: Schema, step: number): fc.Arbitrary<number> {
  const limit = (keys: readonly [string, string], otherwise: number, away: number): number => {
    if (typeof schema[keys[0]] === 'number') return schema[keys[0]] as number
    return typeof schema[keys[1]] === 'number' ? (schema[keys[1]] as number) + away : otherwise
  }
  const unit = step === 0 ? 0.5 : Math.max(step, typeof schema.multipleOf === 'number' ? schema.multipleOf : 0)
  const min = limit(['minimum', 'exclusiveMinimum'], -1_000, unit)
  const max = limit(['maximum', 'exclusiveMaximum'], Math.max(min, 1_000), -unit)
  // The step is taken as a quotient, because 0.1 * 3 is no multiple of 0.1.
  const parts = Math.round(1 / unit)
  return unit < 1
    ? fc.integer({ min: Math.ceil(min * parts), max: Math.floor(max * parts) }).map((count) => count / parts)
    : fc.integer({ min: Math.ceil(min / unit), max: Math.floor(max / unit) }).map((count) => count * unit)
}

/** Rule I1 refuses such members wherever they come from. */
function isSafe(value: unknown): boolean {
  return !/"(__proto__|constructor)"/.test(JSON.stringify(value))
}
