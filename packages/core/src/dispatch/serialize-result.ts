import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { answerLimits, parseJson } from '../protocol/json.ts'

/** The largest result, as bytes of JSON. */
export const maxResultBytes = 1_048_576

/**
 * Writes a handler's result as JSON text; undefined becomes null, as JSON has no other word for it.
 * @throws AtpError `invalid_result` or `result_too_large`
 */
export function serializeResult(value: unknown, tool: string): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (error) {
    throw new AtpError(
      'invalid_result',
      `Tool "${tool}" returned a value that is not JSON: ${errorText(error).split('\n')[0]}`,
      { cause: error },
    )
  }
  // Functions and symbols have no JSON form; telling the author beats a silent null.
  if (json === undefined && value !== undefined) {
    throw new AtpError('invalid_result', `Tool "${tool}" returned a ${typeof value}, which is not JSON`)
  }
  const text = json ?? 'null'
  checkSize(text, tool)
  checkReadable(text, value, tool)
  return text
}

/** A result that the peers' own checks refuse would be lost on the way; here its author learns why. */
function checkReadable(text: string, value: unknown, tool: string): void {
  // Words that begin with a rare letter are found much faster than those that begin with a quotation mark.
  const suspicious = text.includes('__proto__"') || text.includes('prototype"')
  if (!suspicious && (text.length <= 2 * answerLimits.maxDepth || !mayBeDeep(value, answerLimits.maxDepth))) return
  try {
    parseJson(text, answerLimits)
  } catch (error) {
    throw new AtpError('invalid_result', `Tool "${tool}" returned a value that no peer takes: ${errorText(error)}`)
  }
}

/** Whether the JSON of a value may have more levels: looking at the value is much faster than at the text. */
function mayBeDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false
  // What toJSON will say cannot be seen here.
  if (levels === 0 || typeof (value as { toJSON?: unknown }).toJSON === 'function') return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && mayBeDeep(item, levels - 1)) return true
    return false
  }
  // Inherited members are not in the JSON, but looking at them as well is faster than asking for own ones.
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object' && mayBeDeep(member, levels - 1)) return true
  }
  return false
}

function checkSize(text: string, tool: string): void {
  // A UTF-16 unit takes 1 to 3 bytes in UTF-8: most texts are decided without encoding them.
  if (text.length * 3 <= maxResultBytes) return
  const bytes = text.length > maxResultBytes ? text.length : new TextEncoder().encode(text).length
  if (bytes <= maxResultBytes) return
  throw new AtpError(
    'result_too_large',
    `Tool "${tool}" returned ${bytes} bytes of JSON or more; at most ${maxResultBytes} are allowed`,
  )
}
