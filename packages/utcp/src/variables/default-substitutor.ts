import { UtcpError, UtcpVariableNotFound } from '../errors/utcp-error.ts'
import type { VariableSources, VariableSubstitutor } from './variable-substitutor.ts'

/** `$$`, `${NAME}` and `$NAME`; names may begin with a digit. */
const variables = /\$\$|\$\{([A-Za-z0-9_]+)\}|\$([A-Za-z0-9_]+)/g

/** A text with a reference of JSON Schema is left as it is. */
const schemaReference = /\$ref(?![A-Za-z0-9_])/

/**
 * What a text may hold. `plain`: variables and `$$` for a dollar. `literal`: none, its dollars mean something else.
 * `resolvable`: only `${NAME}`, and only where it has a value; the rest belongs to a shell.
 */
type TextKind = 'plain' | 'literal' | 'resolvable'

/** The members of call templates in which a dollar is not ours: shells, GraphQL and text of others. */
const ownDollars: Readonly<Record<string, KindOf>> = {
  cli: (path) => (path.length === 3 && path[0] === 'commands' && path[2] === 'command' ? 'resolvable' : 'plain'),
  graphql: (path) => (path.length === 1 && path[0] === 'query' ? 'literal' : 'plain'),
  text: (path) => (path.length === 1 && path[0] === 'content' ? 'literal' : 'plain'),
}

/** A text in a value, and how it is read. */
interface Found {
  readonly text: string
  readonly kind: TextKind
}

/** What a value asks for. */
interface Scan {
  /** Names without namespace, in order of appearance, and whether a value is needed for them. */
  readonly names: ReadonlyMap<string, { readonly required: boolean }>
  /** Whether there is anything to fill in. */
  readonly isPlain: boolean
}

/** The substitutor of UTCP: namespaces, three kinds of sources, results that are not scanned again. */
export class DefaultVariableSubstitutor implements VariableSubstitutor {
  /** Templates of registered tools are frozen, and looked at with every call. */
  readonly #scans = new WeakMap<object, Scan>()

  async substitute<T>(value: T, sources: VariableSources, namespace?: string): Promise<T> {
    const prefix = prefixOf(namespace)
    const { names, isPlain } = this.#scan(value)
    if (isPlain) return value
    const values = new Map<string, string>()
    const missing: string[] = []
    for (const [name, { required }] of names) {
      const found = await lookUp(name, prefix, sources)
      if (found !== undefined) values.set(name, found)
      else if (required) missing.push(prefix + name)
    }
    const [first, ...others] = missing
    if (first !== undefined) throw new UtcpVariableNotFound([first, ...others], namespace && `manual "${namespace}"`)
    return visit(value, ({ text, kind }) => fill(text, kind, values)) as T
  }

  findRequiredVariables(value: unknown, namespace?: string): readonly string[] {
    const prefix = prefixOf(namespace)
    return Array.from(this.#scan(value).names).flatMap(([name, { required }]) => (required ? prefix + name : []))
  }

  #scan(value: unknown): Scan {
    const key = typeof value === 'object' && value !== null && Object.isFrozen(value) ? value : undefined
    const known = key && this.#scans.get(key)
    if (known !== undefined) return known
    const names = new Map<string, { required: boolean }>()
    let isEscaped = false
    visit(value, ({ text, kind }) => {
      for (const { name, required } of namesIn(text, kind)) {
        if (required || !names.has(name)) names.set(name, { required })
      }
      if (kind === 'plain' && text.includes('$$')) isEscaped = true
      return text
    })
    const scan = { names, isPlain: names.size === 0 && !isEscaped }
    if (key !== undefined) this.#scans.set(key, scan)
    return scan
  }
}

/** The namespace of a manual: its name with each `_` doubled, then `_`. */
function prefixOf(namespace: string | undefined): string {
  if (namespace === undefined || namespace === '') return ''
  if (!/^[A-Za-z0-9_]+$/.test(namespace)) {
    throw new UtcpError('invalid_config', `The namespace "${namespace.slice(0, 100)}" has other than word characters`)
  }
  return `${namespace.replaceAll('_', '__')}_`
}

async function lookUp(name: string, prefix: string, sources: VariableSources): Promise<string | undefined> {
  const found = await lookUpExactly(prefix + name, sources)
  return found === undefined && prefix !== '' && sources.bareNames ? lookUpExactly(name, sources) : found
}

async function lookUpExactly(name: string, sources: VariableSources): Promise<string | undefined> {
  if (Object.hasOwn(sources.variables, name)) return sources.variables[name]
  for (const loader of sources.loaders) {
    const loaded = await loader.get(name)
    if (loaded) return loaded
  }
  return fromEnvironment(name, sources.environment)
}

function fromEnvironment(name: string, environment: VariableSources['environment']): string | undefined {
  try {
    return (Object.hasOwn(environment, name) && environment[name]) || undefined
  } catch {
    // Platforms with permissions throw where this process may not read a variable.
    return undefined
  }
}

function namesIn(text: string, kind: TextKind): { name: string; required: boolean }[] {
  if (kind === 'literal' || !text.includes('$') || schemaReference.test(text)) return []
  const names: { name: string; required: boolean }[] = []
  for (const [, braced, bare] of text.matchAll(variables)) {
    const name = braced ?? (kind === 'resolvable' ? undefined : bare)
    if (name !== undefined) names.push({ name, required: kind === 'plain' })
  }
  return names
}

function fill(text: string, kind: TextKind, values: ReadonlyMap<string, string>): string {
  if (kind === 'literal' || !text.includes('$') || schemaReference.test(text)) return text
  return text.replace(variables, (whole, braced: string | undefined, bare: string | undefined) => {
    if (kind === 'resolvable') return braced === undefined ? whole : (values.get(braced) ?? whole)
    return whole === '$$' ? '$' : (values.get(braced ?? bare ?? '') ?? whole)
  })
}

/** Which kind of text is where below a template, by its path from there. */
type KindOf = (path: readonly string[]) => TextKind

/** Walks through all texts of a value; returns a copy with the texts that `change` returns, or the value itself. */
function visit(value: unknown, change: (found: Found) => string): unknown {
  const walk = (node: unknown, kindOf: KindOf | undefined, path: readonly string[]): unknown => {
    if (typeof node === 'string') return change({ text: node, kind: kindOf?.(path) ?? 'plain' })
    if (typeof node !== 'object' || node === null) return node
    if (Array.isArray(node)) {
      const items = node.map((item, index) => walk(item, kindOf, below(kindOf, path, `${index}`)))
      return items.some((item, index) => item !== node[index]) ? items : node
    }
    const members = node as Readonly<Record<string, unknown>>
    const { call_template_type: type } = members
    const own = typeof type === 'string' && Object.hasOwn(ownDollars, type) ? ownDollars[type] : undefined
    let copy: Record<string, unknown> | undefined
    for (const name of Object.keys(members)) {
      const changed = walk(members[name], own ?? kindOf, own === undefined ? below(kindOf, path, name) : [name])
      if (changed === members[name]) continue
      copy ??= { ...members }
      copy[name] = changed
    }
    return copy ?? node
  }
  return walk(value, undefined, [])
}

/** Most templates have no dollars of their own, and need no paths. */
function below(kindOf: KindOf | undefined, path: readonly string[], step: string): readonly string[] {
  return kindOf === undefined ? path : [...path, step]
}
