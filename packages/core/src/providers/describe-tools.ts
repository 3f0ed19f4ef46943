import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { lowerTools } from './lower-tools.ts'
import { type Fold, foldArguments } from './lowering/fold.ts'
import type { ToolChange } from './lowering/lowering-context.ts'
import type { FormattedTools, ProviderSchema, ToolWarning } from './provider-format.ts'
import type { ProviderRules } from './provider-rules.ts'

/** What a provider's form is written from: a tool that passed its checks. */
export interface DescribedTool {
  name: string
  description: string
  schema: ProviderSchema
  /** Whether the provider is asked to enforce the schema. */
  strict: boolean
}

/** How many places a warning names. */
const maxNamedPlaces = 3

/**
 * Writes tools in a provider's form, in the order given: an unchanged toolkit gives the same text every time, which is
 * what providers' prompt caches go by. Tools the provider would refuse, and with them the whole request, are left out
 * with a warning; changes that lose something are warned of.
 */
export function describeTools<Tool extends Record<string, unknown>>(
  tools: readonly ToolDescriptor[],
  rules: ProviderRules,
  write: (tool: DescribedTool) => Tool,
): FormattedTools<Tool> {
  const written: Tool[] = []
  const warnings: ToolWarning[] = []
  const originalNames = new Map<string, string>()
  const folds = new Map<string, Fold>()
  const { provider } = rules
  for (const { tool, name, lowered, refusal, changes } of lowerTools(tools, rules)) {
    const warn = (code: ToolWarning['code'], message: string): void =>
      void warnings.push({ tool: tool.name, provider, code, message })
    if (refusal !== undefined) {
      warn(refusal.code, `Left out: ${refusal.message}`)
      continue
    }
    if (name !== tool.name) originalNames.set(name, tool.name)
    if (lowered.fold) folds.set(tool.name, lowered.fold)
    for (const [code, message] of lossMessages(changes)) warn(code, message)
    const { description, schema, strict } = lowered
    written.push(write({ name, description, schema, strict }))
  }
  return {
    tools: written,
    warnings,
    originalNames,
    readArguments(name, args) {
      return foldArguments(folds.get(originalNames.get(name) ?? name), args) as Record<string, unknown>
    },
  }
}

/** One message for each kind of loss. */
function lossMessages(changes: readonly ToolChange[]): [ToolChange['code'], string][] {
  const byCode = new Map<ToolChange['code'], ToolChange[]>()
  for (const change of changes) {
    if (change.loses) byCode.set(change.code, [...(byCode.get(change.code) ?? []), change])
  }
  return [...byCode].map(([code, all]) => {
    const named = all
      .slice(0, maxNamedPlaces)
      .map(({ path, what, why }) => `${what}${path === '' ? '' : ` at ${path}`}, because ${why}`)
    const more = all.length > maxNamedPlaces ? `; and ${all.length - maxNamedPlaces} more` : ''
    return [code, `Changed: ${named.join('; ')}${more}`]
  })
}
