import type { JsonSchema } from '../protocol/schema-limits.ts'
import type { ToolkitRegistry } from '../registry/toolkit-registry.ts'
import type { Tool } from '../tool/tool.ts'
import { rebaseSchema } from './rebase-schema.ts'
import { reachableToolkits, routePath } from './routes.ts'

/** The version of UTCP that the manual is written for. */
const utcpVersion = '1.0.1'

/** A UTCP manual as the strictest readers want it: these members and no others, nothing null. */
export interface UtcpManual {
  utcp_version: string
  manual_version: string
  tools: UtcpTool[]
}

/** A tool in a {@link UtcpManual}. */
export interface UtcpTool {
  name: string
  description: string
  inputs: JsonSchema
  outputs: JsonSchema
  tags: string[]
  tool_call_template: UtcpHttpTemplate
}

/** How an http client of UTCP calls a route of ours. */
export interface UtcpHttpTemplate {
  call_template_type: 'http'
  url: string
  http_method: 'POST'
  content_type: 'application/json'
  body_field: 'body'
  headers?: Record<string, string>
  auth?: { auth_type: 'api_key'; api_key: string; var_name: string; location: 'header' }
}

/** What a manual needs to know of its mount. */
export interface ManualOptions {
  /** Where the mount is reached, without a slash at the end, such as `https://example.com/api`. */
  baseUrl: string
  /** @default '1.0.0' */
  version?: string | undefined
  /** Whether running a tool needs a key, which clients then fill in for `${ATP_API_KEY}`. @default true */
  closed?: boolean | undefined
}

/**
 * Describes toolkits as a UTCP manual in which every tool is an `http` call to its own route. A client's variables fill
 * in the key (`ATP_API_KEY`) and the end user's token (`HUBSPOT_AUTH_TOKEN` for a tool of the provider `hubspot`).
 */
export function toUtcpManual(registry: ToolkitRegistry, options: ManualOptions): UtcpManual {
  const { baseUrl, version = '1.0.0', closed = true } = options
  const tools: UtcpTool[] = []
  const names = new Set<string>()
  for (const [name, toolkit] of reachableToolkits(registry)) {
    for (const tool of toolkit.registeredTools.values()) {
      const url = `${baseUrl}${routePath(name, tool.name)}`
      tools.push(toUtcpTool(uniqueName(`${toWord(name)}.${tool.name}`, names), tool, url, closed))
    }
  }
  return { utcp_version: utcpVersion, manual_version: version, tools }
}

/** A name as an identifier: each character that is not a letter, a digit or `_` becomes `_`. */
export function toWord(name: string): string {
  return name.replace(/\W/g, '_')
}

/** The name itself, or with a number behind it when it is taken. */
export function uniqueName(name: string, taken: Set<string>): string {
  let unique = name
  for (let number = 2; taken.has(unique); number += 1) unique = `${name}_${number}`
  taken.add(unique)
  return unique
}

function toUtcpTool(name: string, tool: Tool, url: string, closed: boolean): UtcpTool {
  return {
    name,
    description: tool.description,
    // A UTCP client sends the argument that body_field names as the body, and all others as a query.
    inputs: {
      type: 'object',
      properties: { body: rebaseSchema(tool.inputSchema, '/properties/body') },
      required: ['body'],
    },
    outputs: {
      type: 'object',
      properties: { result: rebaseSchema(tool.outputSchema ?? {}, '/properties/result') },
      required: ['result'],
    },
    tags: [...tool.tags],
    tool_call_template: {
      call_template_type: 'http',
      url,
      http_method: 'POST',
      content_type: 'application/json',
      body_field: 'body',
      ...(tool.auth === null ? {} : { headers: { 'X-ATP-Auth-Token': `\${${tokenVariable(tool.auth.provider)}}` } }),
      ...(closed
        ? {
            auth: {
              auth_type: 'api_key',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: a UTCP variable
              api_key: 'Bearer ${ATP_API_KEY}',
              var_name: 'Authorization',
              location: 'header',
            },
          }
        : {}),
    },
  }
}

function tokenVariable(provider: string | null): string {
  return provider === null ? 'ATP_AUTH_TOKEN' : `${toWord(provider).toUpperCase()}_AUTH_TOKEN`
}
