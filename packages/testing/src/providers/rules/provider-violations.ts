import { badKeywords } from './dialect.ts'
import { strictViolations } from './strict-violations.ts'
import type { RuleName, Violation } from './violation.ts'
import { walkSchema } from './walk-schema.ts'

/** The forms that tools go out in. */
export type RuledProvider =
  | 'openai'
  | 'openai-strict'
  | 'openai-chat'
  | 'openai-chat-strict'
  | 'anthropic'
  | 'mistralai'

interface ReadTool {
  name: unknown
  description: unknown
  schema: unknown
  strict: unknown
  /** Members the API does not know: it refuses them. */
  strangers: string[]
}

/** The documented rules that a request's tools break: none means that the provider takes them. Knows nothing of how tools are made. */
export function providerViolations(provider: RuledProvider, tools: readonly unknown[]): Violation[] {
  const found: Violation[] = []
  const isOpenai = provider.startsWith('openai')
  const seen = new Set<unknown>()
  for (const [at, tool] of tools.entries()) {
    const read = readTool(provider, tool)
    const label = typeof read?.name === 'string' ? read.name : String(at)
    const add = (rule: RuleName, message: string, path = ''): void =>
      void found.push({ rule, tool: label, path, message })
    if (read === undefined || read.strangers.length > 0) {
      add('form', read === undefined ? 'not the form of this API' : `unknown members ${read.strangers.join(', ')}`)
      continue
    }
    if (typeof read.name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(read.name))
      add('name', `name ${JSON.stringify(read.name)}`)
    if (seen.has(read.name)) add('unique-names', `two tools named ${label}`)
    seen.add(read.name)
    if (typeof read.description !== 'string') add('form', 'no description')
    else if (isOpenai && read.description.length > 1_024)
      add('description-length', `${read.description.length} characters`)
    if (provider.startsWith('openai') && !provider.includes('chat') && typeof read.strict !== 'boolean')
      add('explicit-strict', 'strict left out')
    checkSchema(provider, read.schema, add)
    if (read.strict === true)
      for (const { rule, message, path } of strictViolations(read.schema)) add(rule, message, path)
  }
  if (isOpenai && tools.length > 128)
    found.push({ rule: 'tool-count', tool: '', path: '', message: `${tools.length} tools` })
  return found
}

function checkSchema(
  provider: RuledProvider,
  root: unknown,
  add: (rule: RuleName, message: string, path?: string) => void,
): void {
  const schema = root as Record<string, unknown> | null | undefined
  if (schema?.type !== 'object') {
    add('root-object', 'the root is no object schema')
    return
  }
  for (const key of ['anyOf', 'oneOf', 'allOf', 'enum', 'not', 'const']) {
    if (schema[key] !== undefined) add('root-object', `"${key}" at the root`)
  }
  if (JSON.stringify(schema).length > 131_072) add('schema-size', 'more than 128 KiB')
  const isOpenai = provider.startsWith('openai')
  for (const { schema: part, path } of walkSchema(schema)) {
    for (const key of badKeywords(part)) add('dialect', `"${key}" has no value of 2020-12`, path)
    for (const key of ['$ref', '$dynamicRef', '$defs', 'definitions'])
      if (part[key] !== undefined) add('no-references', `"${key}"`, path)
    const types = Array.isArray(part.type) ? part.type : [part.type]
    if (isOpenai && types.includes('array') && part.items === undefined) add('array-items', 'array without items', path)
    if (isOpenai && types.includes('object') && part.properties === undefined)
      add('object-properties', 'object without properties', path)
    const names = Object.keys((part.properties as object | undefined) ?? {})
    const odd = names.find((name) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(name))
    if (provider === 'anthropic' && odd !== undefined) add('property-name', JSON.stringify(odd), path)
    if (isOpenai && typeof part.pattern === 'string' && /\(\?<?[=!]/.test(part.pattern))
      add('no-lookaround', part.pattern, path)
  }
}

function readTool(provider: RuledProvider, tool: unknown): ReadTool | undefined {
  if (typeof tool !== 'object' || tool === null) return undefined
  const outer = tool as Record<string, unknown>
  if (provider === 'anthropic') return read(outer, 'input_schema', ['name', 'description', 'input_schema'])
  if (outer.type !== 'function') return undefined
  if (provider === 'openai' || provider === 'openai-strict') {
    return read(outer, 'parameters', ['type', 'name', 'description', 'parameters', 'strict'])
  }
  const inner = outer.function
  if (typeof inner !== 'object' || inner === null) return undefined
  const known = read(inner as Record<string, unknown>, 'parameters', ['name', 'description', 'parameters', 'strict'])
  const strangers = Object.keys(outer).filter((key) => key !== 'type' && key !== 'function')
  return { ...known, strangers: [...known.strangers, ...strangers] }
}

function read(object: Record<string, unknown>, schema: string, known: readonly string[]): ReadTool {
  const strangers = Object.keys(object).filter((key) => !known.includes(key))
  return {
    name: object.name,
    description: object.description,
    schema: object[schema],
    strict: object.strict,
    strangers,
  }
}
