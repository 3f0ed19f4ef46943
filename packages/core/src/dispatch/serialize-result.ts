import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { answerLimits, parseJson } from '../protocol/json.ts'

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

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
  checkReadable(text, tool)
  return text
}

/** A result that the peers' own checks refuse would be lost on the way; here its author learns why. */
function checkReadable(text: string, tool: string): void {
  const suspicious = text.includes('"__proto__":') || text.includes('"constructor":{')
  if (!suspicious && !isDeep(text)) return
  try {
    parseJson(text, answerLimits)
  } catch (error) {
    throw new AtpError('invalid_result', `Tool "${tool}" returned a value that no peer takes: ${errorText(error)}`)
  }
}

/** Whether a JSON text is nested deeper than a peer takes. */
function isDeep(text: string): boolean {
  if (text.length <= 2 * answerLimits.maxDepth) return false
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === quote) index = endOfString(text, index)
    else if (unit === openBrace || unit === openBracket) depth += 1
    else if (unit === closeBrace || unit === closeBracket) depth -= 1
    if (depth > answerLimits.maxDepth) return true
  }
  return false
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  while (text.charCodeAt(index) !== quote) index += text.charCodeAt(index) === backslash ? 2 : 1
  return index
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
