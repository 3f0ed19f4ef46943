import type * as z from 'zod'
import type { PluginContext } from '../config/plugin-type.ts'
import { shapeCheck, textList } from '../model/check-shape.ts'

/** Which tools' results a post-processor changes. Lists that are empty say nothing. */
export interface ResultScope {
  /** Full names of tools. */
  readonly exclude_tools?: readonly string[]
  readonly only_include_tools?: readonly string[]
  /** Names of manuals. */
  readonly exclude_manuals?: readonly string[]
  readonly only_include_manuals?: readonly string[]
}

const scopeMembers = {
  exclude_tools: textList.optional(),
  only_include_tools: textList.optional(),
  exclude_manuals: textList.optional(),
  only_include_manuals: textList.optional(),
}

/** Checks a post-processor's configuration. @throws UtcpValidationError `invalid_config` */
export function readScoped<T>(
  config: Readonly<Record<string, unknown>>,
  members: Readonly<Record<string, z.ZodType>>,
  { path }: PluginContext,
): T & ResultScope {
  return shapeCheck({ ...scopeMembers, ...members }).check(config, path, 'invalid_config') as T & ResultScope
}

/** Whether a tool's results are left as they are. */
export function isOutOfScope(scope: ResultScope, toolName: string, manualName: string | undefined): boolean {
  const { exclude_tools: noTools, only_include_tools: tools } = scope
  const { exclude_manuals: noManuals, only_include_manuals: manuals } = scope
  const name = manualName ?? ''
  if (noTools?.includes(toolName) || noManuals?.includes(name)) return true
  if (tools !== undefined && tools.length > 0 && !tools.includes(toolName)) return true
  return manuals !== undefined && manuals.length > 0 && !manuals.includes(name)
}
