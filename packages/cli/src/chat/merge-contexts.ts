import type { ToolkitContext } from '@atp/core'

/** A tool as the model knows it, and where its calls go. */
export interface RoutedTool {
  /** The name that the model sees. */
  name: string
  toolkitId: string
  toolkitName: string
  /** The name that its toolkit's context has. */
  tool: string
  /** The first line of its description. */
  summary: string
  /**
   * Whether running it may destroy something: the author says so, or the server does not tell what authors say, and
   * then nothing speaks for its being harmless.
   */
  destructive: boolean
}

/** The tools of several toolkits as those of one. */
export interface MergedContext {
  /** In the provider's form. */
  tools: Record<string, unknown>[]
  routes: ReadonlyMap<string, RoutedTool>
  /** What the toolkits' authors tell the model; undefined when they tell nothing. */
  instructions: string | undefined
  warnings: { tool: string; message: string }[]
}

/**
 * Puts contexts of one provider together. A name that more than one toolkit has gets its toolkit's name in front; all
 * others stay as they are. The same toolkit twice counts once.
 */
export function mergeContexts(contexts: readonly ToolkitContext[]): MergedContext {
  const toolkits = [...new Map(contexts.map((context) => [context.toolkitId, context])).values()]
  const found = toolkits.flatMap((context) => context.tools.map((tool) => ({ context, tool, ...describe(tool) })))
  const names = uniqueNames(found.map(({ name, context }) => ({ name, toolkit: context.toolkitName })))
  const routes = new Map<string, RoutedTool>()
  const tools = found.map(({ context, tool, name, description }, index) => {
    const shown = names[index] as string
    const destructive =
      context.annotations === undefined ||
      context.annotations.some((each) => each.tool === name && each.destructive === true)
    const { toolkitId, toolkitName } = context
    const summary = description.trim().split('\n', 1)[0] ?? ''
    routes.set(shown, { name: shown, toolkitId, toolkitName, tool: name, summary, destructive })
    return shown === name ? tool : withName(tool, shown)
  })
  return {
    tools,
    routes,
    instructions: mergeInstructions(toolkits),
    warnings: toolkits.flatMap((context) => context.warnings),
  }
}

/** What every provider takes as the name of a tool. */
const maxNameLength = 64

function uniqueNames(tools: readonly { name: string; toolkit: string }[]): string[] {
  const counts = new Map<string, number>()
  for (const { name } of tools) counts.set(name, (counts.get(name) ?? 0) + 1)
  // Names that stay are taken before any is made up.
  const taken = new Set([...counts].filter(([, count]) => count === 1).map(([name]) => name))
  return tools.map(({ name, toolkit }) => {
    if (counts.get(name) === 1) return name
    const readable = `${toolkit.replaceAll(/[^a-zA-Z0-9_-]+/g, '_')}_${name}`
    let shown = readable.slice(0, maxNameLength)
    for (let attempt = 2; taken.has(shown); attempt += 1) {
      shown = `${readable.slice(0, maxNameLength - 1 - String(attempt).length)}_${attempt}`
    }
    taken.add(shown)
    return shown
  })
}

/** Every provider's form has the name and the description at the top or below `function`. */
function describe(tool: Record<string, unknown>): { name: string; description: string } {
  const { name, description } = { ...tool, ...(tool.function as object | undefined) } as Record<string, unknown>
  return { name: String(name), description: String(description ?? '') }
}

function withName(tool: Record<string, unknown>, name: string): Record<string, unknown> {
  return tool.function === undefined ? { ...tool, name } : { ...tool, function: { ...(tool.function as object), name } }
}

function mergeInstructions(toolkits: readonly ToolkitContext[]): string | undefined {
  const given = toolkits.filter((context) => context.instructions)
  if (given.length === 0) return undefined
  if (toolkits.length === 1) return given[0]?.instructions
  return given.map((each) => `For the tools of "${each.toolkitName}":\n${each.instructions}`).join('\n\n')
}
