import type { ToolkitContext } from '../protocol/http-bodies.ts'
import { isJsonObject } from '../protocol/json.ts'
import type { ToolAnnotations } from '../protocol/tool-descriptor.ts'
import type { ProviderName } from '../providers/provider-format.ts'
import { providerRules } from '../providers/provider-rules.ts'
import { providerToolNames } from '../providers/tool-names.ts'

/** Where the calls of a tool of a merged context go. */
export interface ToolRoute {
  toolkitId: string
  toolkitName: string
  /** The name that its toolkit's own context has. */
  tool: string
  /**
   * What its author says of it; undefined where the server does not tell: nothing is known then, not even that it does
   * no harm.
   */
  annotations: ToolAnnotations | undefined
}

/** The tools of several toolkits in one provider's format. */
export interface ToolkitsContext {
  /** The toolkits that are in it, in the order they were asked for. */
  toolkits: Pick<ToolkitContext, 'toolkitId' | 'toolkitName' | 'caption' | 'instructions'>[]
  /** What the toolkits' authors tell the model; undefined when they tell nothing. */
  instructions?: string | undefined
  provider: string
  /** Tool definitions in the provider's own form, each named `<toolkit>__<tool>`. */
  tools: Record<string, unknown>[]
  /** What stands behind each name in `tools`. */
  routes: ReadonlyMap<string, ToolRoute>
  userPrompt: string
  /**
   * As those of one toolkit, with the name or id of theirs; `tool` is empty where the whole toolkit is left out because it
   * could not be reached, and `code` then is that of the error.
   */
  warnings: (ToolkitContext['warnings'][number] & { toolkit: string })[]
}

/**
 * Puts the contexts of one provider together. Every tool is named `<toolkit>__<tool>`, whether the bare name is taken
 * or not: what a tool is called then depends on nothing but itself, so it stays when another toolkit comes, goes or
 * changes in the middle of a conversation. Names that providers refuse are shortened, always to the same.
 */
export function mergeContexts(
  contexts: readonly ToolkitContext[],
  request: { provider: ProviderName; userPrompt: string; unavailable: ToolkitsContext['warnings'] },
): ToolkitsContext {
  const { provider, userPrompt, unavailable } = request
  const toolkits = [...new Map(contexts.map((context) => [context.toolkitId, context])).values()]
  const found = toolkits.flatMap((context) => context.tools.map((tool) => ({ context, tool, name: nameOf(tool) })))
  const wholes = wholeNames(found)
  const names = providerToolNames(wholes)
  const shown = wholes.map((whole) => names.get(whole) as string)
  const warnings = toolkits.flatMap(({ toolkitName, warnings: own }) => {
    return own.map((warning) => ({ ...warning, toolkit: toolkitName }))
  })
  const { maxTools } = providerRules[provider]
  for (const { context, name } of found.slice(maxTools)) {
    const message = `Left out: ${provider} takes ${maxTools} tools`
    warnings.push({ toolkit: context.toolkitName, tool: name, provider, code: 'too_many_tools', message })
  }
  const kept = found.slice(0, maxTools)
  const instructions = mergeInstructions(toolkits)
  return {
    toolkits: toolkits.map(({ toolkitId, toolkitName, caption, instructions: own }) => {
      return { toolkitId, toolkitName, caption, ...(own === undefined ? {} : { instructions: own }) }
    }),
    ...(instructions === undefined ? {} : { instructions }),
    provider,
    tools: kept.map(({ tool }, index) => withName(tool, shown[index] as string)),
    routes: new Map(
      kept.map(({ context, name }, index) => {
        const { toolkitId, toolkitName } = context
        const route = { toolkitId, toolkitName, tool: name, annotations: annotationsOf(context, name) }
        return [shown[index] as string, route]
      }),
    ),
    userPrompt,
    warnings: [...warnings, ...unavailable],
  }
}

interface FoundTool {
  context: ToolkitContext
  tool: Record<string, unknown>
  name: string
}

/** The names before they are shortened; toolkits of one name are told apart by their ids. */
function wholeNames(found: readonly FoundTool[]): string[] {
  const plain = found.map(({ context, name }) => `${context.toolkitName}__${name}`)
  const counts = new Map<string, number>()
  for (const name of plain) counts.set(name, (counts.get(name) ?? 0) + 1)
  // The space makes it a name that is shortened to one with a hash of the whole.
  return plain.map((name, index) => (counts.get(name) === 1 ? name : `${name} ${found[index]?.context.toolkitId}`))
}

/** Every provider's form has the name at the top or below `function`. */
function nameOf(tool: Record<string, unknown>): string {
  const name = isJsonObject(tool.function) ? tool.function.name : tool.name
  return String(name)
}

function withName(tool: Record<string, unknown>, name: string): Record<string, unknown> {
  return isJsonObject(tool.function) ? { ...tool, function: { ...tool.function, name } } : { ...tool, name }
}

function mergeInstructions(toolkits: readonly ToolkitContext[]): string | undefined {
  const given = toolkits.filter(({ instructions }) => instructions !== undefined && instructions !== '')
  if (given.length === 0) return undefined
  return given.map((each) => `For the tools of "${each.toolkitName}":\n${each.instructions}`).join('\n\n')
}

function annotationsOf(context: ToolkitContext, name: string): ToolAnnotations | undefined {
  if (context.annotations === undefined) return undefined
  const { tool: _, ...annotations } = context.annotations.find(({ tool }) => tool === name) ?? { tool: name }
  return annotations
}
