import type { Tool, ToolKitClient, Toolkit } from '@atp/core'

/** A toolkit as a module exports it. It may be of another copy of `@atp/core`, and of another version. */
export interface FoundToolkit extends Partial<Pick<ToolKitClient, 'state' | 'stop' | 'onChange'>> {
  appName: string
  caption?: string | undefined
  instructions?: string | undefined
  registeredTools: ReadonlyMap<string, Tool>
  settings?: Partial<Toolkit['settings']>
}

/** What is told of a toolkit to the process that asked. */
export interface ToolkitFinding {
  name: string
  tools: { name: string; description: string; inputSchema: unknown }[]
  connects: boolean
}

/** As {@link discoverToolkits}, in a form that travels to another process. */
export function findToolkits(exports: object): ToolkitFinding[] {
  return [...discoverToolkits(exports)].map(([{ registeredTools, state = 'idle' }, name]) => ({
    name,
    tools: [...registeredTools.values()].map(({ name, description, inputSchema }) => ({
      name,
      description,
      inputSchema,
    })),
    connects: state !== 'idle',
  }))
}

/**
 * The toolkits that a module exports, by themselves or in a registry, also as members of the default export; each one
 * once, with its name in the registry where it has one. They are known by their looks: the module may use another copy
 * of `@atp/core` than this command.
 */
export function discoverToolkits(exports: object): Map<FoundToolkit, string> {
  const found = new Map<FoundToolkit, string>()
  // Names of a registry are what callers know its toolkits by, so they are looked at first.
  const values = valuesOf(exports)
  for (const value of values) {
    if (isRegistry(value)) for (const [name, toolkit] of value) if (isToolkit(toolkit)) found.set(toolkit, name)
  }
  for (const value of values) if (isToolkit(value) && !found.has(value)) found.set(value, value.appName)
  return found
}

/** A CommonJS module's exports are the default export, and so are those of a module that exports one object. */
function valuesOf(exports: object): unknown[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    const isBag = name === 'default' && Object.getPrototypeOf(Object(value)) === Object.prototype
    return isBag ? [value, ...Object.values(value as object)] : [value]
  })
}

function isToolkit(value: unknown): value is FoundToolkit {
  if (typeof value !== 'object' || value === null) return false
  const { appName, registeredTools } = value as Partial<FoundToolkit>
  return typeof appName === 'string' && registeredTools instanceof Map
}

function isRegistry(value: unknown): value is Iterable<[string, unknown]> {
  if (typeof value !== 'object' || value === null) return false
  return 'getClient' in value && 'registerClient' in value && Symbol.iterator in value
}
