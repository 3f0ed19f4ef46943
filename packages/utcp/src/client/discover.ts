import { toUtcpError } from '../errors/to-utcp-error.ts'
import { UtcpError, UtcpUnknownCallTemplateTypeError } from '../errors/utcp-error.ts'
import { openCallScope, untilAborted } from '../execution/call-scope.ts'
import type { CallTemplate, Tool, UtcpManual, UtcpWarning } from '../model/models.ts'
import { readManual } from '../model/read-manual.ts'
import type { CommunicationProtocol, ManualValidators } from '../protocol/communication-protocol.ts'
import type { ClientParts } from './client-parts.ts'
import { withFullName } from './tool-names.ts'

/** What a discovery came to; no manual when nothing changed. */
export interface Discovered {
  readonly manual: UtcpManual | undefined
  readonly validators: ManualValidators | undefined
  readonly freshForMs: number | undefined
  readonly errors: readonly string[]
  readonly warnings: readonly UtcpWarning[]
}

/** A template's protocol. @throws UtcpUnknownCallTemplateTypeError */
export function protocolFor({ protocols }: ClientParts, template: CallTemplate, path = ''): CommunicationProtocol {
  const type = template.call_template_type
  const protocol = protocols.get(type)
  if (protocol !== undefined) return protocol
  const member = path === '' ? 'call_template_type' : `${path}.call_template_type`
  throw new UtcpUnknownCallTemplateTypeError(type, protocols.types, member)
}

/** Which protocols the tools of a manual may use: those it lists, else only its own. */
export function allowedProtocols(template: CallTemplate): readonly string[] {
  const allowed = template.allowed_communication_protocols
  return allowed !== undefined && allowed.length > 0 ? allowed : [template.call_template_type]
}

/**
 * Fills the variables into a manual's template. `auth_tools` is left alone: it only goes into tools, which are stored,
 * and get their variables with each call.
 * @throws UtcpVariableNotFound
 */
export async function fillManualTemplate(parts: ClientParts, template: CallTemplate): Promise<CallTemplate> {
  const { auth_tools: authTools, ...rest } = template
  const filled = await parts.substitutor.substitute(rest as CallTemplate, parts.sources, template.name)
  return authTools === undefined ? filled : { ...filled, auth_tools: authTools }
}

/**
 * Asks a manual's protocol for its tools and reads what it says.
 * @param filled the template with its variables
 * @throws UtcpError when there is no manual
 */
export async function discover(
  parts: ClientParts,
  template: CallTemplate,
  filled: CallTemplate,
  options: { validators?: ManualValidators | undefined; signal?: AbortSignal | undefined },
): Promise<Discovered> {
  const { settings, caller, closing } = parts
  const protocol = protocolFor(parts, template)
  const what = `The discovery of "${template.name}"`
  const scope = openCallScope({ timeoutMs: settings.discoveryTimeoutMs, signal: options.signal, closing, what })
  const { signal } = scope
  const context = {
    ...{ signal, timeoutMs: settings.discoveryTimeoutMs, maxResponseBytes: settings.maxResponseBytes },
    ...{ declaredTemplate: template, validators: options.validators },
  }
  try {
    // In a function of its own, so that a protocol that throws at once is no different.
    const asked = (async () => protocol.registerManual(caller, filled, context))()
    const found = await untilAborted(asked, signal)
    const { validators, freshForMs, errors = [] } = found
    if (found.notModified && options.validators !== undefined) {
      return { manual: undefined, validators: validators ?? options.validators, freshForMs, errors, warnings: [] }
    }
    const read = readManual(found.manual, { templates: parts.templates, callTemplateTypes: parts.protocols.types })
    const warnings = [...read.warnings]
    const tools = admitted(read.manual.tools, template, warnings)
    return { manual: Object.freeze({ ...read.manual, tools }), validators, freshForMs, errors, warnings }
  } catch (error) {
    throw toUtcpError(error, 'call_failed', `${what} failed`)
  } finally {
    scope.end()
  }
}

/** Gives the tools their full names, and leaves out those that the manual may not have. */
function admitted(tools: readonly Tool[], template: CallTemplate, warnings: UtcpWarning[]): readonly Tool[] {
  const allowed = new Set(allowedProtocols(template))
  const names = new Set<string>()
  const kept: Tool[] = []
  for (const [index, each] of tools.entries()) {
    const tool = withFullName(each, template.name ?? '')
    const type = tool.tool_call_template.call_template_type
    if (!allowed.has(type)) {
      warnings.push({
        path: `tools[${index}].tool_call_template.call_template_type`,
        message: `left out: "${type}" is not in the manual's allowed_communication_protocols (${[...allowed].join(', ')})`,
        ...{ tool: tool.name, callTemplateType: type },
      })
    } else if (names.has(tool.name)) {
      warnings.push({
        path: `tools[${index}].name`,
        message: 'left out: an earlier tool has this name',
        tool: tool.name,
      })
    } else {
      names.add(tool.name)
      kept.push(tool)
    }
  }
  return Object.freeze(kept)
}

/** The error for a second manual of one name. */
export function manualExists(name: string, given: string | undefined): UtcpError {
  const renamed = given !== undefined && given !== name ? ` ("${given}" becomes "${name}")` : ''
  return new UtcpError('manual_exists', `A manual "${name}" is registered already${renamed}`, { path: 'name' })
}
