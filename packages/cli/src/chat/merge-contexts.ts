import { AtpError, isErrorCode, type ToolAnnotations, type ToolkitContext, type ToolkitsContext } from '@atp/core'

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

/** The tools of a chat, of one toolkit or of several. */
export interface MergedContext {
  /** In the provider's form. */
  tools: Record<string, unknown>[]
  routes: ReadonlyMap<string, RoutedTool>
  /** What the toolkits' authors tell the model; undefined when they tell nothing. */
  instructions: string | undefined
  warnings: ToolkitContext['warnings']
}

/** The tools of one toolkit, under their own names. */
export function fromOne(context: ToolkitContext): MergedContext {
  const { tools, instructions, warnings, toolkitId, toolkitName, annotations } = context
  const routes = new Map<string, RoutedTool>()
  for (const { name, summary } of tools.map(describe)) {
    const own = annotations && (annotations.find(({ tool }) => tool === name) ?? {})
    routes.set(name, { name, toolkitId, toolkitName, tool: name, summary, destructive: isDestructive(own) })
  }
  return { tools, routes, instructions: instructions || undefined, warnings }
}

/**
 * The tools of several toolkits, each named `<toolkit>__<tool>`.
 * @throws AtpError why one of them cannot be had: who names a toolkit wants it
 */
export function fromSeveral(context: ToolkitsContext): MergedContext {
  const { tools, instructions, warnings } = context
  const missing = warnings.find(({ tool }) => tool === '')
  if (missing) throw new AtpError(isErrorCode(missing.code) ? missing.code : 'toolkit_not_found', missing.message)
  const routes = new Map<string, RoutedTool>()
  for (const { name, summary } of tools.map(describe)) {
    const route = context.routes.get(name)
    if (route === undefined) continue
    const { annotations, ...where } = route
    routes.set(name, { name, ...where, summary, destructive: isDestructive(annotations) })
  }
  return { tools, routes, instructions, warnings }
}

function isDestructive(annotations: ToolAnnotations | undefined): boolean {
  return annotations === undefined || annotations.destructive === true
}

/** Every provider's form has the name and the description at the top or below `function`. */
function describe(tool: Record<string, unknown>): { name: string; summary: string } {
  const { name, description } = { ...tool, ...(tool.function as object | undefined) } as Record<string, unknown>
  const summary = String(description ?? '').trim()
  return { name: String(name), summary: summary.split('\n', 1)[0] ?? '' }
}
