import type { ToolkitContext } from '@atp/core'
import { isJsonObject } from '@atp/core/protocol'

/**
 * A toolkit's tools as text for a model, with how it asks for one: what the first versions of the Python SDK put into
 * the prompt, before providers had tools.
 */
export function contextText(context: ToolkitContext): string {
  const about = [`Toolkit: ${context.toolkitName}`, context.caption, context.instructions ?? ''].filter((line) => line)
  return [
    ...about,
    '',
    'Functions:',
    ...context.tools.map(toolLine),
    '',
    'To use a function, answer with nothing but this JSON: {"function": "<name>", "parameters": {"<name>": <value>}}',
  ].join('\n')
}

function toolLine(tool: Record<string, unknown>): string {
  const { name, description, parameters } = isJsonObject(tool.function) ? tool.function : tool
  const schema = isJsonObject(parameters) ? parameters : {}
  const names = Object.keys(isJsonObject(schema.properties) ? schema.properties : {})
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const list = names.map((each) => (required.has(each) ? each : `${each}?`)).join(', ')
  return `- ${String(name)}(${list}): ${String(description)}`
}
