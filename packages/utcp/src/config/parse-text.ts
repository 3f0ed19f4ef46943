import { type ParseError, parse as parseJsonc, printParseErrorCode, visit } from 'jsonc-parser'
import { parse as parseYaml } from 'yaml'
import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError } from '../errors/utcp-error.ts'

/** How a text is written: JSON with comments and trailing commas, or YAML. */
export type TextFormat = 'json' | 'yaml'

/**
 * Reads a text of a configuration or a manual. JSON may have comments and trailing commas.
 * @param format guessed from the text when it is not given: JSON begins with a bracket or a comment
 * @throws UtcpError with `code`, naming line and column
 */
export function parseText(
  text: string,
  format?: TextFormat,
  code: 'invalid_config' | 'invalid_manual' = 'invalid_config',
): unknown {
  const trimmed = text.replace(/^\uFEFF/, '')
  if ((format ?? (/^\s*(?:[[{]|\/[/*])/.test(trimmed) ? 'json' : 'yaml')) === 'json') return readJson(trimmed, code)
  try {
    return parseYaml(trimmed, { logLevel: 'error' })
  } catch (error) {
    throw new UtcpError(code, `Not valid YAML: ${messageOf(error).slice(0, 300)}`, { cause: error })
  }
}

function readJson(text: string, code: 'invalid_config' | 'invalid_manual'): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return readJsonc(text, code)
  }
}

function readJsonc(text: string, code: 'invalid_config' | 'invalid_manual'): unknown {
  const errors: ParseError[] = []
  let value: unknown
  try {
    // Its parser would change the prototype of the object instead of giving it a member.
    visit(text, { onObjectProperty: checkName }, { allowTrailingComma: true })
    value = parseJsonc(text, errors, { allowTrailingComma: true })
  } catch (error) {
    // It is recursive, too, and runs out of stack for texts that are nested too deep.
    throw new UtcpError(code, `Not valid JSON: ${messageOf(error)}`, { cause: error })
  }
  const [first] = errors
  if (first === undefined) return value
  throw new UtcpError(code, `Not valid JSON: ${printParseErrorCode(first.error)} at ${place(text, first.offset)}`)
}

function checkName(name: string): void {
  if (name === '__proto__') throw new Error('a member "__proto__" is refused')
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n')
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}
