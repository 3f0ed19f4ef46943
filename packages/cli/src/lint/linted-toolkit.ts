import type { CheckedTool } from '@atp/core/providers'
import * as z from 'zod'

/** A toolkit, as far as lint looks at it. */
export interface LintedToolkit {
  name: string
  tools: readonly CheckedTool[]
  /** Whether it began to connect while its module was loaded. */
  connects: boolean
}

const schema = z.record(z.string(), z.unknown())
const tool = z
  .object({
    name: z.string().min(1),
    description: z.string().default(''),
    input_schema: schema.optional(),
    inputSchema: schema.optional(),
    inputs: schema.optional(),
  })
  .transform(({ name, description, ...schemas }, context) => {
    const inputSchema = schemas.input_schema ?? schemas.inputSchema ?? schemas.inputs
    if (inputSchema !== undefined) return { name, description, inputSchema }
    context.addIssue('has none of input_schema (ATP), inputSchema (MCP) and inputs (UTCP)')
    return z.NEVER
  })

/**
 * Reads tools as they travel: those of ATP, of MCP's `tools/list` and of a UTCP manual, which name the schema of a
 * tool's arguments differently. Nothing else is checked: to tell what is wrong with a tool is lint's work.
 */
export const lintedTools: z.ZodType<CheckedTool[]> = z.array(tool)
