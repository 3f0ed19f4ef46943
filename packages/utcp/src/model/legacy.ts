import { isObject } from './copy-json.ts'
import { joinPath } from './json-path.ts'
import type { UtcpWarning } from './models.ts'

type Json = Readonly<Record<string, unknown>>
type OnWarning = (warning: UtcpWarning) => void

/** What the types of 0.x and of the drafts before it are called now. */
const typeNames: Readonly<Record<string, string>> = {
  http_stream: 'streamable_http',
  http_ndjson: 'streamable_http',
  http_sse: 'sse',
}

/**
 * Makes a call template of a provider of UTCP 0.x (`provider_type`) or of the drafts (`transport_type`). Anything else is
 * returned as it is.
 */
export function convertLegacyTemplate(value: Json, path: string, onWarning: OnWarning): Json {
  if (typeof value.call_template_type === 'string') return value
  const oldName = ['provider_type', 'transport_type'].find((name) => typeof value[name] === 'string')
  if (oldName === undefined) return value
  const { [oldName]: oldType, ...rest } = value
  const type = typeNames[oldType as string] ?? (oldType as string)
  const template: Record<string, unknown> = { ...rest, call_template_type: type }
  if (type === 'http' || type === 'streamable_http') rename(template, 'method', 'http_method')
  if (type === 'cli') rename(template, 'cwd', 'working_dir')
  onWarning({ path, message: `is a provider of UTCP 0.x: read as a call template "${type}"` })
  const { http_method: method = 'GET', body_field: body } = template
  if (type === 'http' && method !== 'GET' && (body === undefined || body === null)) {
    onWarning({
      path: joinPath(path, 'body_field'),
      message: 'is missing: UTCP 0.x sent all arguments as the body, 1.x sends all but "body" as a query',
    })
  }
  return template
}

/** Makes a tool of UTCP 1.x of one of 0.x or of the drafts. Anything else is returned as it is. */
export function convertLegacyTool(value: Json, path: string, onWarning: OnWarning): Json {
  const tool: Record<string, unknown> = { ...value }
  const provider = ['tool_provider', 'provider', 'tool_transport'].find((name) => isObject(value[name]))
  if (provider === undefined || isObject(value.tool_call_template)) return value
  rename(tool, provider, 'tool_call_template')
  if (tool.inputs === undefined || tool.inputs === null) rename(tool, 'parameters', 'inputs')
  onWarning({ path, message: `is a tool of UTCP 0.x: "${provider}" read as "tool_call_template"`, ...named(tool.name) })
  return tool
}

/** Makes a manual's head of UTCP 1.x of one of 0.x, which had `version` only. */
export function convertLegacyManual(value: Json, onWarning: OnWarning): Json {
  if (typeof value.version !== 'string' || value.utcp_version !== undefined || value.manual_version !== undefined) {
    return value
  }
  const { version, ...rest } = value
  onWarning({ path: 'version', message: `is a manual of UTCP 0.x (${version.slice(0, 40)}): read as one of 1.x` })
  return { ...rest, manual_version: version }
}

function rename(object: Record<string, unknown>, from: string, to: string): void {
  if (object[from] === undefined || (object[to] !== undefined && object[to] !== null)) return
  object[to] = object[from]
  delete object[from]
}

function named(name: unknown): { tool?: string } {
  return typeof name === 'string' ? { tool: name } : {}
}
