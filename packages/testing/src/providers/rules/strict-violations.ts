import type { RuleName } from './violation.ts'
import { walkSchema } from './walk-schema.ts'

/** What OpenAI's guide to structured outputs lists as supported; all else is taken for unsupported. */
const keywords = new Set([
  'type',
  'description',
  'enum',
  'const',
  'anyOf',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'pattern',
  'format',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'minItems',
  'maxItems',
])
const formats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])

type Found = { rule: RuleName; path: string; message: string }

/** The rules of OpenAI's strict mode that a schema breaks. */
export function strictViolations(root: unknown): Found[] {
  const found: Found[] = []
  let properties = 0
  let enumValues = 0
  let characters = 0
  for (const { schema, path, level } of walkSchema(root)) {
    const add = (rule: RuleName, message: string): void => void found.push({ rule, path, message })
    for (const key of Object.keys(schema)) if (!keywords.has(key)) add('strict-keyword', `"${key}" is not supported`)
    if (typeof schema.format === 'string' && !formats.has(schema.format))
      add('strict-format', `format "${schema.format}" is not supported`)
    if (schema.type === undefined && schema.anyOf === undefined) add('strict-type', 'neither type nor anyOf')
    if (Array.isArray(schema.enum)) {
      const length = schema.enum.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
      enumValues += schema.enum.length
      characters += length
      if (schema.enum.length > 250 && length > 15_000) add('strict-enum-length', `${length} characters in one enum`)
      if (schema.enum.some((value) => typeof value === 'object' && value !== null))
        add('strict-keyword', 'enum holds objects')
    }
    const isObject = schema.type === 'object' || (Array.isArray(schema.type) && schema.type.includes('object'))
    if (!isObject) continue
    const names = Object.keys((schema.properties as object | undefined) ?? {})
    const required = (schema.required as unknown[] | undefined) ?? []
    if (level >= 10 && names.length > 0) add('strict-depth', `${level + 1} levels of objects`)
    if (names.some((name) => !required.includes(name)) || required.length !== names.length)
      add('strict-required', 'a property is not required')
    if (schema.additionalProperties !== false) add('strict-closed', 'additionalProperties is not false')
    properties += names.length
    characters += names.reduce((sum, name) => sum + name.length, 0)
  }
  const add = (rule: RuleName, message: string): void => void found.push({ rule, path: '', message })
  if (properties > 5_000) add('strict-properties', `${properties} properties`)
  if (enumValues > 1_000) add('strict-enum-count', `${enumValues} values`)
  if (characters > 120_000) add('strict-characters', `${characters} characters`)
  return found
}
