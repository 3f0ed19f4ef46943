import { isUtf8 } from 'node:buffer'
import type { Tool } from '@atp/utcp'
import type { Output } from '../output.ts'

/** Prints tools of UTCP, one line each; an argument with "?" may be left out. */
export function showTools(tools: readonly Tool[], output: Output): void {
  output.table(
    ['NAME', 'PROTOCOL', 'ARGUMENTS', 'TAGS', 'DESCRIPTION'],
    tools.map((tool) => [
      tool.name,
      tool.tool_call_template.call_template_type,
      argumentsCell(tool),
      tool.tags.join(' ') || '-',
      tool.description.trim().split('\n', 1)[0] ?? '',
    ]),
  )
}

function argumentsCell({ inputs }: Tool): string {
  const { properties, required } = inputs as { properties?: object; required?: unknown }
  const needed = new Set<unknown>(Array.isArray(required) ? required : [])
  return (
    Object.keys(properties ?? {})
      .map((name) => (needed.has(name) ? name : `${name}?`))
      .join(' ') || '-'
  )
}

/** A result as JSON: bytes are text where they are UTF-8, else `{"base64": …}`. */
export function jsonOf(result: unknown): unknown {
  if (!(result instanceof Uint8Array)) return result ?? null
  const buffer = Buffer.from(result.buffer, result.byteOffset, result.byteLength)
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') }
}

/** A result as a person reads it. */
export function textOf(result: unknown): string {
  const value = jsonOf(result)
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}
