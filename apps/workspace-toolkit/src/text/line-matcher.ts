import { ToolError } from '@atp/core'
import { RE2JS } from 're2js'
import { quote } from './quote.ts'

/**
 * The most instructions a pattern may compile to. Matching takes time proportional to this times the length of the
 * line, so both are bounded: one line then takes a fraction of a second at worst.
 */
const maxProgramSize = 1_000

/** How much of one line is searched, in characters. */
export const maxSearchedLineLength = 10_000

/** Looks for one pattern in lines. */
export interface LineMatcher {
  /** Whether the line has a match. */
  test(line: string): boolean
  /** Where the first match starts, -1 if there is none. */
  indexIn(line: string): number
}

/** What to look for. */
export interface LinePattern {
  pattern: string
  /** Whether the pattern is a regular expression (RE2 syntax) rather than plain text. */
  regex: boolean
  ignoreCase: boolean
}

/**
 * Compiles a pattern from a caller. RE2 never backtracks, so no pattern takes exponential time (rule I5).
 * @throws ToolError when the pattern cannot be used
 */
export function compileLinePattern({ pattern, regex, ignoreCase }: LinePattern): LineMatcher {
  if (!regex && /[\r\n]/.test(pattern)) {
    throw new ToolError('The pattern contains a line end, but lines are searched one by one; search for one line')
  }
  if (!regex && !ignoreCase) {
    return { test: (line) => line.includes(pattern), indexIn: (line) => line.indexOf(pattern) }
  }
  const compiled = compile(regex ? pattern : RE2JS.quote(pattern), ignoreCase, pattern)
  return {
    test: (line) => compiled.test(line),
    indexIn: (line) => {
      const matcher = compiled.matcher(line)
      return matcher.find() ? matcher.start() : -1
    },
  }
}

function compile(expression: string, ignoreCase: boolean, shown: string): RE2JS {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(expression, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, '')
    throw new ToolError(
      `${quote(shown)} is not a valid regular expression: ${reason}. The syntax is RE2's: no look-around, no backreferences. For plain text set regex to false`,
      { cause: error },
    )
  }
  if (compiled.programSize() <= maxProgramSize) return compiled
  throw new ToolError(`${quote(shown)} is too complex a regular expression; use fewer or smaller repetitions`)
}
