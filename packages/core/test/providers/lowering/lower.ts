import type { JsonSchema } from '../../../src/protocol/schema-limits.ts'
import { checkTool, type ToolCheck } from '../../../src/providers/check-tool.ts'
import { providerFormat } from '../../../src/providers/provider-by-name.ts'
import { describedTool } from '../fixtures.ts'

/** A schema in a provider's form, with all that is told of it. */
export interface Lowering extends ToolCheck {
  schema: JsonSchema
  /** The codes of the changes, each once, in order. */
  codes: string[]
  warnings: { code: string; message: string }[]
  fold(args: Record<string, unknown>): unknown
}

/** Lowers an input schema the way a toolkit's tools are. */
export function lower(inputSchema: JsonSchema, provider: string): Lowering {
  const tool = describedTool('t', { inputSchema })
  const { tools, warnings, readArguments } = providerFormat(provider).toTools([tool])
  const check = checkTool(tool, provider)
  const [written] = tools
  const inner = (written?.function ?? written ?? {}) as Record<string, unknown>
  return {
    ...check,
    schema: (inner.parameters ?? inner.input_schema ?? {}) as JsonSchema,
    codes: [...new Set(check.changes.map(({ code }) => code))],
    warnings,
    fold: (args) => readArguments('t', args),
  }
}

/** The lowered form of one property. */
export function lowerProperty(schema: unknown, provider: string, required = true): JsonSchema {
  const { properties } = lower(
    { type: 'object', properties: { p: schema }, ...(required ? { required: ['p'] } : {}) },
    provider,
  ).schema
  return (properties as Record<string, JsonSchema>).p ?? {}
}
