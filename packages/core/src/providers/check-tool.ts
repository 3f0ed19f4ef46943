import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import type { ToolRefusal } from './lower-tool.ts'
import { lowerTools } from './lower-tools.ts'
import type { ToolChange } from './lowering/lowering-context.ts'
import { providerFormat } from './provider-by-name.ts'
import { providerRules } from './provider-rules.ts'

/** What becomes of a tool on its way to a provider's model. */
export interface ToolCheck {
  /** In the order they were made; empty when the tool goes out as it is. */
  changes: ToolChange[]
  /** Present when the tool would be left out. */
  refusal?: ToolRefusal
}

/** What a check reads of a tool. */
export type CheckedTool = Pick<ToolDescriptor, 'name' | 'description' | 'inputSchema'>

/**
 * Tells what a provider's format changes of a tool, and why it leaves it out if it does: the same code that formats it.
 * @throws AtpError `unknown_provider`
 */
export function checkTool(tool: CheckedTool, provider: string): ToolCheck {
  return checkTools([tool], provider)[0] as ToolCheck
}

/**
 * As {@link checkTool}, for the tools of one toolkit, in their order: also tells which are left out because of the
 * others (`duplicate_name`, `too_many_tools`, `schema_too_large`).
 * @throws AtpError `unknown_provider`
 */
export function checkTools(tools: readonly CheckedTool[], provider: string): ToolCheck[] {
  const rules = providerRules[providerFormat(provider).name]
  return lowerTools(tools, rules).map(({ tool, name, changes, refusal }) => ({
    changes: name === tool.name ? changes : [nameChange(name), ...changes],
    ...(refusal === undefined ? {} : { refusal }),
  }))
}

/** What a shortened name is reported as. */
function nameChange(name: string): ToolChange {
  return {
    code: 'name_shortened',
    path: '',
    what: `named "${name}"`,
    why: 'providers take 1 to 64 of a-z A-Z 0-9 _ -',
    loses: false,
  }
}
