import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import { lowerTool, type ToolRefusal } from './lower-tool.ts'
import type { ToolChange } from './lowering/lowering-context.ts'
import { providerFormat } from './provider-by-name.ts'
import { providerRules } from './provider-rules.ts'
import { providerToolNames } from './tool-names.ts'

/** What becomes of a tool on its way to a provider's model. */
export interface ToolCheck {
  /** In the order they were made; empty when the tool goes out as it is. */
  changes: ToolChange[]
  /** Present when the tool would be left out. */
  refusal?: ToolRefusal
}

/**
 * Tells what a provider's format changes of a tool, and why it leaves it out if it does: the same code that formats it.
 * @throws AtpError `unknown_provider`
 */
export function checkTool(
  tool: Pick<ToolDescriptor, 'name' | 'description' | 'inputSchema'>,
  provider: string,
): ToolCheck {
  const rules = providerRules[providerFormat(provider).name]
  const { changes, refusal } = lowerTool(tool, rules)
  const name = providerToolNames([tool.name]).get(tool.name)
  return {
    changes: name === tool.name ? changes : [nameChange(name as string), ...changes],
    ...(refusal === undefined ? {} : { refusal }),
  }
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
