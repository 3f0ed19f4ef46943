import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { lowerTool, type ToolLowering } from './lower-tool.ts'
import { createAllowance } from './lowering/lowering-context.ts'
import type { RefusalCode } from './lowering/lowering-refusal.ts'
import type { ProviderRules } from './provider-rules.ts'
import { providerToolNames } from './tool-names.ts'

/** A tool of a toolkit as a provider is told of it, or why it is not. */
export type NamedLowering<Tool> = ToolLowering & {
  tool: Tool
  /** What the model knows it by. */
  name: string
}

/**
 * Writes the tools of a toolkit by a provider's rules, in the order given. What only shows in their company, a name that
 * is there twice, more tools than a request may have or schemas too large together, is a refusal like any other.
 */
export function lowerTools<Tool extends Pick<ToolDescriptor, 'name' | 'description' | 'inputSchema'>>(
  tools: readonly Tool[],
  rules: ProviderRules,
): NamedLowering<Tool>[] {
  const names = providerToolNames(tools.map((tool) => tool.name))
  const taken = new Set<string>()
  const allowance = createAllowance()
  return tools.map((tool) => {
    const own = { tool, name: names.get(tool.name) as string }
    if (taken.has(tool.name)) return { ...own, ...leftOut('duplicate_name', 'another tool has the same name') }
    if (taken.size >= rules.maxTools) {
      return { ...own, ...leftOut('too_many_tools', `${rules.provider} takes ${rules.maxTools} tools`) }
    }
    const lowering = lowerTool(tool, rules, allowance)
    if (lowering.refusal === undefined) taken.add(tool.name)
    return { ...own, ...lowering }
  })
}

function leftOut(code: RefusalCode, message: string): ToolLowering {
  return { changes: [], lowered: undefined, refusal: { code, message } }
}
