import { AtpError } from '../errors/atp-error.ts'

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
      `Tool "${tool}" returned a value that is not JSON: ${(error as Error).message.split('\n')[0]}`,
      { cause: error },
    )
  }
  // Functions and symbols have no JSON form; telling the author beats a silent null.
  if (json === undefined && value !== undefined) {
    throw new AtpError('invalid_result', `Tool "${tool}" returned a ${typeof value}, which is not JSON`)
  }
  const text = json ?? 'null'
  checkSize(text, tool)
  return text
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
