import { stableJson } from '@atp/core/protocol'
import type { Tool } from '../model/models.ts'

/** What became of a manual's tools, by their full names. */
export interface ToolDifferences {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/**
 * Compares the tools of a manual before and after.
 * @param known names that were there although `before` does not list them
 */
export function diffTools(
  before: readonly Tool[],
  after: readonly Tool[],
  known: ReadonlySet<string> = new Set(),
): ToolDifferences {
  const old = new Map(before.map((tool) => [tool.name, tool]))
  const names = new Set(after.map(({ name }) => name))
  const isChanged = (tool: Tool): boolean => {
    const earlier = old.get(tool.name)
    return earlier !== undefined && stableJson(earlier) !== stableJson(tool)
  }
  return {
    added: after.filter(({ name }) => !old.has(name) && !known.has(name)).map(({ name }) => name),
    removed: [...old.keys(), ...known].filter((name) => !names.has(name)),
    changed: after.filter(isChanged).map(({ name }) => name),
  }
}
