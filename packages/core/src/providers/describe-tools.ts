import { isJsonObject } from '../protocol/json.ts'
import type { JsonSchema } from '../protocol/schema-limits.ts'
import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import type { FormattedTools, ProviderSchema } from './provider-format.ts'
import { providerToolNames } from './tool-names.ts'

/** What a provider's form is written from: a tool that passed its checks. */
export interface DescribedTool {
  name: string
  description: string
  schema: ProviderSchema
}

/**
 * Writes tools in a provider's form, in order. Tools the provider would refuse, and with them the whole request, are
 * left out with a warning; names it would refuse are shortened with a warning.
 */
export function describeTools<Tool extends Record<string, unknown>>(
  tools: readonly ToolDescriptor[],
  write: (tool: DescribedTool) => Tool,
): FormattedTools<Tool> {
  const names = providerToolNames(tools.map((tool) => tool.name))
  const written: Tool[] = []
  const warnings: FormattedTools['warnings'] = []
  const originalNames = new Map<string, string>()
  const seen = new Set<string>()
  for (const tool of tools) {
    const problem = seen.has(tool.name) ? 'another tool has the same name' : rootProblem(tool.inputSchema)
    if (problem !== undefined) {
      warnings.push({ tool: tool.name, message: `Left out: ${problem}` })
      continue
    }
    seen.add(tool.name)
    const name = names.get(tool.name) as string
    if (name !== tool.name) {
      originalNames.set(name, tool.name)
      warnings.push({ tool: tool.name, message: `Renamed to "${name}": providers take 1 to 64 of a-z A-Z 0-9 _ -` })
    }
    written.push(write({ name, description: tool.description, schema: toProviderSchema(tool.inputSchema) }))
  }
  return { tools: written, warnings, originalNames }
}

/** Keywords that OpenAI and Anthropic refuse beside the root's `type`. */
const refusedAtRoot = ['anyOf', 'oneOf', 'allOf', 'enum', 'const', 'not', '$ref']

function rootProblem(schema: JsonSchema): string | undefined {
  if (!isJsonObject(schema) || schema.type !== 'object') return 'its input schema does not describe an object'
  const refused = refusedAtRoot.filter((keyword) => schema[keyword] !== undefined)
  if (refused.length > 0) return `its input schema has ${refused.join(', ')} at the top level, which providers refuse`
  const { properties, required } = schema
  if (properties !== undefined && !isJsonObject(properties)) return 'its input schema has no readable properties'
  if (required !== undefined && !Array.isArray(required))
    return 'its input schema has no readable list of required names'
  return undefined
}

/** OpenAI refuses an object schema without `properties`; to the others an empty one says the same as none. */
function toProviderSchema(schema: JsonSchema): ProviderSchema {
  return { type: 'object', properties: {}, ...schema } as ProviderSchema
}
