import type { Logger } from '@atp/core'
import { UtcpError } from '../errors/utcp-error.ts'
import { isObject } from '../model/copy-json.ts'
import { joinPath } from '../model/json-path.ts'

/** What a plugin gets beside its part of a configuration. */
export interface PluginContext {
  /** Where that part is in the configuration, for errors. */
  readonly path: string
  /** What relative paths of files are relative to. */
  readonly rootDir: string | undefined
  readonly logger: Logger
}

/** Makes one kind of thing (a loader, a repository, …) of a configuration that names the type. */
export interface PluginType<T> {
  readonly type: string
  /** @throws UtcpValidationError `invalid_config` with `context.path` and the member's name behind it */
  create(config: Readonly<Record<string, unknown>>, context: PluginContext): T
}

/** The kinds of plugins that a configuration may name, each by a member of its own. */
export const typeMembers = {
  variableLoader: 'variable_loader_type',
  toolRepository: 'tool_repository_type',
  toolSearchStrategy: 'tool_search_strategy_type',
  toolPostProcessor: 'tool_post_processor_type',
} as const

/**
 * Makes what a configuration describes; an object that is one already passes as it is.
 * @param types those of a client; later ones win
 * @throws UtcpError `unknown_type`, or `invalid_config`
 */
export function createPlugin<T>(
  value: unknown,
  kind: keyof typeof typeMembers,
  types: readonly PluginType<T>[],
  isInstance: (value: object) => value is T & object,
  context: PluginContext,
): T {
  const { path } = context
  if (typeof value === 'object' && value !== null && isInstance(value)) return value
  if (!isObject(value)) throw new UtcpError('invalid_config', `${path}: must be an object`, { path })
  const member = joinPath(path, typeMembers[kind])
  // Loaders of UTCP 0.x call it `type`.
  const type = value[typeMembers[kind]] ?? (kind === 'variableLoader' ? value.type : undefined)
  if (typeof type !== 'string') throw new UtcpError('invalid_config', `${member}: is missing`, { path: member })
  const found = types.findLast((each) => each.type === type)
  if (found === undefined) {
    const known = [...new Set(types.map((each) => `"${each.type}"`))].join(', ') || 'none'
    throw new UtcpError(
      'unknown_type',
      `${member}: "${type.slice(0, 100)}" is not known here; this client has ${known}`,
      {
        path: member,
      },
    )
  }
  return found.create(value, context)
}
