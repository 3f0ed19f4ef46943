import type { JsonSchema, ToolDefinition } from '@atp/core'
import type { CompiledSchema } from '@atp/core/protocol'
import { mapSchemas } from '../model/clean-schema.ts'
import { isObject } from '../model/copy-json.ts'
import type { Tool } from '../model/models.ts'
import { annotationsOf } from './tool-annotations.ts'

/** A schema that brings its own check. */
export type ObjectSchema = Extract<
  ToolDefinition['output'],
  { '~standard': { types?: { output: Record<string, unknown> } | undefined } }
>

/** The definition of a tool without its parameters: what a manual says, cut to what ATP takes. */
export function toDefinition(
  tool: Tool,
  options: { name: string; timeoutMs: number | undefined; describesResult: boolean },
): ToolDefinition {
  return {
    name: options.name,
    description: clip(tool.description, 16_384),
    annotations: annotationsOf(tool),
    tags: tool.tags.slice(0, 64).map((tag) => clip(tag, 128)),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.describesResult && Object.keys(tool.outputs).length > 0 ? { output: described(tool.outputs) } : {}),
  }
}

/** The schema of a tool's arguments in the dialect of ATP (2020-12). */
export function toInputSchema(tool: Tool): JsonSchema {
  return { ...inNewestDialect(tool.inputs), type: 'object' }
}

/** A compiled schema as what `registerTool` takes. It would compile a plain one anew, for an engine that backtracks. */
export function toParams({ jsonSchema, validate }: CompiledSchema): ObjectSchema {
  return asStandardSchema(jsonSchema, async (value) => {
    const validation = await validate(value)
    if (validation.ok) return { value: validation.value as Record<string, unknown> }
    return { issues: validation.issues.map(({ path, message }) => ({ path: [path], message })) }
  })
}

/** The names, types and descriptions of the arguments alone, for a schema that cannot be used as it is. */
export function toPlainInputSchema(tool: Tool): JsonSchema {
  const properties = isObject(tool.inputs.properties) ? tool.inputs.properties : {}
  const plain = Object.entries(properties).map(([name, schema]) => [name, plainProperty(schema)])
  const required: unknown = tool.inputs.required
  const names = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
  return { type: 'object', properties: Object.fromEntries(plain), required: names }
}

/**
 * The result's schema, for those who read it. It does not fail calls: manuals are careless about it, and the option
 * `validateOutput` of a client is there for those who are not.
 */
function described(outputs: JsonSchema): ObjectSchema {
  return asStandardSchema(inNewestDialect(outputs), (value) => ({ value: value as Record<string, unknown> }))
}

function asStandardSchema(schema: JsonSchema, validate: ObjectSchema['~standard']['validate']): ObjectSchema {
  const standard = {
    version: 1 as const,
    vendor: 'utcp',
    validate,
    jsonSchema: { input: () => schema, output: () => schema },
  }
  return { '~standard': standard }
}

/** Lists under `items` are of draft 7, whose models UTCP uses. */
function inNewestDialect(schema: JsonSchema): JsonSchema {
  const mapped = mapSchemas(schema, (inner) => {
    if (typeof inner === 'boolean' || !Array.isArray(inner.items)) return inner
    const { items, additionalItems, ...rest } = inner
    return { ...rest, prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) }
  })
  const { $schema: _, ...rest } = mapped as JsonSchema
  return rest
}

function plainProperty(schema: unknown): JsonSchema {
  if (!isObject(schema)) return {}
  const { type, description } = schema
  const types = new Set<unknown>(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])
  return {
    ...(types.has(type) ? { type } : {}),
    ...(typeof description === 'string' ? { description: clip(description, 1_024) } : {}),
  }
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
