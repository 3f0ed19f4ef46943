import { UtcpVariableNotFound } from '../errors/utcp-error.ts'
import type { CallTemplate } from '../model/models.ts'
import type { ClientParts } from './client-parts.ts'
import { discover, fillManualTemplate, protocolFor } from './discover.ts'
import { finalName } from './tool-names.ts'

/**
 * The full names of the variables that a manual and its tools need. The tools are looked at if all variables of the
 * manual itself have values already.
 */
export async function requiredVariables(parts: ClientParts, given: CallTemplate): Promise<readonly string[]> {
  const name = finalName(given)
  const template = { ...given, name }
  const protocol = protocolFor(parts, template)
  const { substitutor, caller, repository } = parts
  const names = new Set(substitutor.findRequiredVariables(template, name))
  let filled: CallTemplate
  try {
    filled = await fillManualTemplate(parts, template)
  } catch (error) {
    if (error instanceof UtcpVariableNotFound) return [...names]
    throw error
  }
  const { manual } = await discover(parts, template, filled, {})
  // What a registered manual of this name holds is not ours to let go of.
  const isRegistered = (await repository.getManualCallTemplate(name)) !== undefined
  if (!isRegistered) await protocol.deregisterManual(caller, filled)
  for (const tool of manual?.tools ?? []) {
    for (const each of substitutor.findRequiredVariables(tool.tool_call_template, name)) names.add(each)
  }
  return [...names]
}
