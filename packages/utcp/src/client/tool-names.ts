import type { CallTemplate, Tool } from '../model/models.ts'

/**
 * The name that a manual is registered under: each character that is not an ASCII letter, digit or `_` becomes `_`. A
 * manual without a name gets one of its own.
 */
export function finalName({ name }: CallTemplate): string {
  if (name === undefined || name === '') return crypto.randomUUID().replaceAll('-', '')
  return name.replace(/[^A-Za-z0-9_]/g, '_')
}

/** The manual of a tool: what is before the first dot. Empty for a name without one. */
export function manualNameOf(toolName: string): string {
  const dot = toolName.indexOf('.')
  return dot === -1 ? '' : toolName.slice(0, dot)
}

/** Gives a tool its full name, `manual.tool`. A name that has it already stays. */
export function withFullName(tool: Tool, manualName: string): Tool {
  const prefix = `${manualName}.`
  return tool.name.startsWith(prefix) ? tool : Object.freeze({ ...tool, name: prefix + tool.name })
}
