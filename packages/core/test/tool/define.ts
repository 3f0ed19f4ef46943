import { defineTool } from '../../src/tool/define-tool.ts'
import type { Tool, ToolDefinition } from '../../src/tool/tool.ts'

/** The description of every tool here. */
export const description: string = 'Does something'

/** Defines a tool as untyped JavaScript may write it. */
export function define(definition: unknown): Tool {
  return defineTool(definition as ToolDefinition, () => 'done')
}

/** Defines a tool called "search". */
export function withParams(params: unknown, more: object = {}): Tool {
  return define({ name: 'search', description, params, ...more })
}

/** What a definition that must be refused is refused with. */
export function refusal(definition: unknown): { code: string; message: string } {
  try {
    define(definition)
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message }
  }
  throw new Error('The definition was accepted')
}
