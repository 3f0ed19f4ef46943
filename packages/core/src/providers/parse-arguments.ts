import { isAtpError } from '../errors/atp-error.ts'
import { isJsonObject, parseJson } from '../protocol/json.ts'

/** Arguments as read, or what to tell the model about them. */
export type ParsedArguments = { args: Record<string, unknown>; error: undefined } | { args: undefined; error: string }

/**
 * Reads a call's arguments, an object or its JSON text. Nothing at all (missing, null, empty text) is what models send
 * for a tool without parameters and means `{}`; anything that is no JSON object is an error for the model, because
 * running a tool on arguments it did not choose would be worse than not running it.
 */
export function parseArguments(name: string, value: unknown): ParsedArguments {
  if (value === undefined || value === null) return { args: {}, error: undefined }
  if (typeof value === 'string' && value.trim() === '') return { args: {}, error: undefined }
  let parsed: unknown
  try {
    // An object of a provider's package takes the way of a text: only what is plain, safe JSON comes out.
    parsed = parseJson(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  } catch (error) {
    const reason = isAtpError(error) ? error.message : 'They hold values that JSON has no form for'
    return { args: undefined, error: `The arguments of ${quote(name)} could not be read. ${reason}. ${remedy}` }
  }
  if (isJsonObject(parsed)) return { args: parsed, error: undefined }
  return { args: undefined, error: `The arguments of ${quote(name)} are ${kindOf(parsed)}. ${remedy}` }
}

const remedy = 'Call it again with its arguments as one JSON object'

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80))
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
