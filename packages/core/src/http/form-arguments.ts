import { AtpError } from '../errors/atp-error.ts'
import { isJsonObject } from '../protocol/json.ts'
import type { JsonSchema } from '../protocol/schema-limits.ts'

/** One field of a form: a text, or what a parser of the app made of it. */
export type FormField = readonly [name: string, value: unknown]

/**
 * Reads the fields of a form, urlencoded or multipart.
 * @throws AtpError `invalid_request` for a form that cannot be read, `unsupported` for a file in it
 */
export async function readForm(bytes: Uint8Array, contentType: string): Promise<FormField[]> {
  let form: FormData
  try {
    // The platform's own parser, the same one on Node, Deno, Bun and workers.
    form = await new Response(bytes as BodyInit, { headers: { 'content-type': contentType } }).formData()
  } catch (cause) {
    throw new AtpError('invalid_request', 'The form in the body cannot be read', { cause })
  }
  const fields: FormField[] = []
  for (const [name, value] of form as unknown as Iterable<[string, unknown]>) {
    if (typeof value !== 'string') {
      throw new AtpError('unsupported', `Field "${name.slice(0, 80)}" is a file; tools take texts only`)
    }
    fields.push([name, value])
  }
  return fields
}

/**
 * Makes arguments of form fields. A form has texts only, so texts become what the tool's schema asks for, and fields
 * that come more than once become a list. A text that does not fit stays one: then the schema says what is wrong.
 */
export function toFormArguments(fields: Iterable<FormField>, schema: JsonSchema): Record<string, unknown> {
  const byName = new Map<string, unknown[]>()
  for (const [name, value] of fields) {
    const values = Array.isArray(value) ? value : [value]
    const known = byName.get(name)
    if (known) known.push(...values)
    else byName.set(name, [...values])
  }
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const entries = [...byName].map(([name, values]) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    return [name, toValue(values, variantsOf(property, schema))] as const
  })
  return Object.fromEntries(entries)

  function toValue(all: readonly unknown[], variants: readonly JsonSchema[]): unknown {
    const list = variants.find((variant) => isOf([variant], 'array'))
    if (list !== undefined) return all.map((value) => fromText(value, variantsOf(list.items, schema)))
    return all.length === 1 ? fromText(all[0], variants) : all
  }
}

/** The schemas that a value may fit: what `anyOf`, `oneOf` and a reference inside the schema stand for. */
function variantsOf(schema: unknown, root: JsonSchema, depth = 0): JsonSchema[] {
  if (!isJsonObject(schema) || depth > 8) return []
  const choices = [schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? list : []))
  const target = typeof schema.$ref === 'string' ? targetOf(schema.$ref, root) : undefined
  return [schema, ...[...choices, target].flatMap((each) => variantsOf(each, root, depth + 1))]
}

/** What a JSON Pointer (RFC 6901) such as `#/$defs/size` stands for. */
function targetOf(reference: string, root: JsonSchema): unknown {
  let target: unknown = root
  for (const part of reference.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isJsonObject(target) || !Object.hasOwn(target, name)) return undefined
    target = target[name]
  }
  return target
}

function fromText(value: unknown, variants: readonly JsonSchema[]): unknown {
  if (typeof value !== 'string' || isOf(variants, 'string')) return value
  if ((isOf(variants, 'number') || isOf(variants, 'integer')) && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) {
    const number = Number(value)
    return Number.isFinite(number) ? number : value
  }
  if (isOf(variants, 'boolean') && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

function isOf(variants: readonly JsonSchema[], type: string): boolean {
  return variants.some((schema) => schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type)))
}
