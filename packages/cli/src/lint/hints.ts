import type { CheckedTool } from '@atp/core/providers'
import type { LintedToolkit } from './linted-toolkit.ts'

/** What a model would be better off with; never a fault of the schema. */
export interface LintHint {
  code: 'no_tools' | 'connects_on_load' | 'no_tool_description' | 'no_param_description'
  /** Where in the tool's input schema, as a JSON Pointer (RFC 6901); empty for the tool and the toolkit. */
  path: string
  message: string
}

/** Hints at a toolkit as a whole. */
export function hintsOfToolkit({ tools, connects }: LintedToolkit): LintHint[] {
  const hints: LintHint[] = []
  if (tools.length === 0) {
    hints.push({ code: 'no_tools', path: '', message: 'it has no tools, so nothing was checked' })
  }
  if (connects) {
    const message = 'it connects while its module is loaded: call start() only where import.meta.main is true'
    hints.push({ code: 'connects_on_load', path: '', message })
  }
  return hints
}

/** Hints at a tool: a model chooses it, and fills its parameters, by their descriptions. */
export function hintsOfTool({ description, inputSchema }: CheckedTool): LintHint[] {
  const hints: LintHint[] = []
  if (description.trim() === '') hints.push({ code: 'no_tool_description', path: '', message: 'no description' })
  for (const [name, schema] of Object.entries(membersOf(inputSchema.properties))) {
    if (isDescribed(schema, inputSchema)) continue
    const path = `/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    hints.push({ code: 'no_param_description', path, message: `no description of the parameter "${name}"` })
  }
  return hints
}

/** `seen` ends circles of references, and looks at what many of them lead to once. */
function isDescribed(schema: unknown, root: unknown, seen: Set<unknown> = new Set()): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  const { description, $ref, allOf } = membersOf(schema)
  if (typeof description === 'string' && description.trim() !== '') return true
  if (typeof $ref === 'string' && isDescribed(follow($ref, root), root, seen)) return true
  return Array.isArray(allOf) && allOf.some((part) => isDescribed(part, root, seen))
}

/** What a reference within the schema points at; undefined for any other. */
function follow(reference: string, root: unknown): unknown {
  if (!/^#(\/|$)/.test(reference)) return undefined
  const steps = reference.slice(2).split('/')
  return steps.reduce<unknown>((part, step) => membersOf(part)[step.replaceAll('~1', '/').replaceAll('~0', '~')], root)
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
