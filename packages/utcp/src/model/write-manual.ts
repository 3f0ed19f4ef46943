import { isObject } from './copy-json.ts'
import { lowerSchema } from './lower-schema.ts'
import type { Auth, CallTemplate, Tool, UtcpManual, UtcpWarning } from './models.ts'
import { utcpVersion } from './models.ts'

/** A manual as strict readers take it, and what they do not get. */
export interface WrittenManual {
  readonly manual: UtcpManual
  readonly warnings: readonly UtcpWarning[]
}

/** How to write a manual. */
export interface WriteManualOptions {
  /**
   * The types that the readers know. Tools of others are left out: a strict reader refuses the whole manual for one.
   * @default all
   */
  readonly callTemplateTypes?: readonly string[]
}

/** The members of auth that strict readers know; api keys they read liberally. */
const authMembers: Readonly<Record<string, readonly string[]>> = {
  basic: ['auth_type', 'username', 'password'],
  oauth2: ['auth_type', 'token_url', 'client_id', 'client_secret', 'scope'],
}

/** Members of templates for which null says something. */
const nullMembers = ['response_byte_format']

/**
 * Writes a manual so that the published clients of 1.1, which are strict, load it: versions that are not empty, no other
 * members of the manual and its tools, no nulls, defaults of API keys written out. To keep everything, write the manual
 * itself: `JSON.stringify(manual)`.
 */
export function writeManual(manual: UtcpManual, options: WriteManualOptions = {}): WrittenManual {
  const warnings: UtcpWarning[] = []
  const tools: Tool[] = []
  for (const [index, tool] of manual.tools.entries()) {
    const type = tool.tool_call_template.call_template_type
    if (options.callTemplateTypes?.includes(type) ?? true) tools.push(writeTool(tool))
    else {
      const path = `tools[${index}].tool_call_template.call_template_type`
      warnings.push({
        path,
        message: `left out: "${type}" is not for these readers`,
        tool: tool.name,
        callTemplateType: type,
      })
    }
  }
  const written = {
    utcp_version: manual.utcp_version || utcpVersion,
    manual_version: manual.manual_version || '1.0.0',
    tools,
  }
  return { manual: written, warnings }
}

function writeTool(tool: Tool): Tool {
  return {
    name: tool.name,
    description: tool.description,
    inputs: lowerSchema(tool.inputs),
    outputs: lowerSchema(tool.outputs),
    tags: [...tool.tags],
    // An int to some readers.
    ...(tool.average_response_size === undefined
      ? {}
      : { average_response_size: Math.round(tool.average_response_size) }),
    tool_call_template: writeTemplate(tool.tool_call_template),
  }
}

function writeTemplate(template: CallTemplate): CallTemplate {
  const written: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(template)) {
    if (member === null && !nullMembers.includes(name)) continue
    written[name] = (name === 'auth' || name === 'auth_tools') && isObject(member) ? writeAuth(member as Auth) : member
  }
  return (template.call_template_type === 'mcp' ? writeMcp(written) : written) as CallTemplate
}

function writeAuth(auth: Auth): Auth {
  const known = authMembers[auth.auth_type]
  const written = Object.fromEntries(
    Object.entries(auth).filter(([name, member]) => member !== null && (known?.includes(name) ?? true)),
  ) as Auth
  return auth.auth_type === 'api_key' ? { var_name: 'X-Api-Key', location: 'header', ...written } : written
}

/** Strict readers want a transport, and a command apart from its arguments. */
function writeMcp(template: Record<string, unknown>): Record<string, unknown> {
  const config = template.config as Readonly<Record<string, unknown>>
  const servers = Object.entries(config.mcpServers as Readonly<Record<string, Readonly<Record<string, unknown>>>>)
  const mcpServers = servers.map(([name, { command, args, type, transport, ...entry }]) => {
    const [program, ...words] = Array.isArray(command) ? (command as string[]) : [command]
    const kind = transport ?? type ?? (program === undefined || program === null ? 'http' : 'stdio')
    const present = Object.entries(entry).filter(([, member]) => member !== null)
    const allArgs = [...words, ...((args as string[] | null | undefined) ?? [])]
    const start = program ? { command: program, args: allArgs } : {}
    return [name, { transport: kind, ...start, ...Object.fromEntries(present) }]
  })
  return { ...template, config: { ...config, mcpServers: Object.fromEntries(mcpServers) } }
}
