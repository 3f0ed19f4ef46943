import type { CompilePattern } from '@atp/core/protocol'
import { messageOf } from '../errors/to-utcp-error.ts'

/** A pattern that cannot be run without backtracking. */
export class RefusedPattern extends Error {}

/** The most characters of one pattern. */
const maxLength = 4_096

/** The most states of all patterns of a schema together: compiling them takes well below a second. */
const maxSize = 20_000

/** JavaScript's white space. RE2's is ASCII only. */
const space = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const notSpace =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}' +
  '\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}'
/** What `.` is in JavaScript. RE2 stops at `\n` only. */
const anyOfLine = '[^\\n\\r\\x{2028}\\x{2029}]'

/**
 * Patterns of schemas on RE2, which does not backtrack: what takes V8 years takes time that grows with the text (rule
 * I5). They mean what JSON Schema says, which is what they mean in JavaScript. There are no lookaheads, lookbehinds and
 * back references, and no repetitions above 1,000; a pattern that has some is refused. One function serves one schema.
 */
export async function linearPatterns(): Promise<CompilePattern> {
  // Most manuals have no patterns; the engine is larger than all the rest.
  const { RE2JS } = await import('re2js')
  let size = 0
  return (pattern) => {
    if (pattern.length > maxLength) throw new RefusedPattern(`it is longer than ${maxLength} characters`)
    // Before it is compiled: that alone takes seconds for a pattern with millions of states.
    if (size + statesOf(pattern) > maxSize) throw new RefusedPattern('the patterns of the schema are too large')
    let compiled: ReturnType<typeof RE2JS.compile>
    try {
      compiled = RE2JS.compile(isOfPlatform(pattern) ? toRe2(pattern) : pattern)
    } catch (error) {
      throw new RefusedPattern(messageOf(error), { cause: error })
    }
    size += compiled.programSize()
    return { test: (text) => compiled.test(text), size: compiled.programSize() }
  }
}

const states = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[\s\S]/gu

/** About how many states a pattern has: each repetition has those of what it repeats, as often as that may be there. */
function statesOf(pattern: string): number {
  const outer: number[] = []
  let sum = 0
  let last = 0
  for (const [piece, least, most = least] of pattern.matchAll(states)) {
    if (piece === '(') {
      outer.push(sum)
      sum = 0
      last = 0
    } else if (piece === ')') {
      last = sum
      sum += outer.pop() ?? 0
    } else if (least === undefined) {
      last = 1
      sum += 1
    } else sum += last * (Math.max(1, Number(most || least)) - 1)
  }
  return outer.reduce((total, each) => total + each, sum)
}

/** Others were written for another engine, as those of Python's manuals, whose dialect RE2 mostly knows. */
function isOfPlatform(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u')
    return true
  } catch {
    return false
  }
}

/** Escapes, the starts of groups and of classes, and single characters. */
const pieces =
  /\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})(?:\\u(d[c-f][0-9a-f]{2}))?|\\c([a-z])|\\[pP]\{[^}]*\}|\\[\s\S]|\(\?[ims-]+:|\[\^?\]?|[\s\S]/giu

/** Writes a pattern that JavaScript takes with the flag `u` as RE2 takes it. @throws Error */
function toRe2(pattern: string): string {
  let inClass = false
  return pattern.replaceAll(pieces, (piece: string, braced?: string, high?: string, low?: string, control?: string) => {
    if (braced !== undefined) return codePoint(Number.parseInt(braced, 16))
    if (high !== undefined) return unitsToRe2(high, low)
    if (control !== undefined) return codePoint(control.toUpperCase().charCodeAt(0) - 64)
    if (piece.startsWith('\\')) return escapeToRe2(piece, inClass)
    if (inClass) {
      inClass = !piece.endsWith(']')
      // RE2 knows names of classes such as [:alpha:], JavaScript does not.
      return piece.replace('[', '\\[')
    }
    if (piece === '[]') return '[^\\x{0}-\\x{10ffff}]'
    if (piece === '[^]') return '[\\x{0}-\\x{10ffff}]'
    if (piece.startsWith('[')) inClass = true
    if (/^\(\?.*[ms]/.test(piece)) throw new Error(`"${piece}" is not supported`)
    return piece === '.' ? anyOfLine : piece
  })
}

function escapeToRe2(piece: string, inClass: boolean): string {
  const [, kind = ''] = piece
  if (kind === 's') return inClass ? space : `[${space}]`
  if (kind === 'S') return inClass ? notSpace : `[${notSpace}]`
  if (kind === 'b' && inClass) return codePoint(8)
  if (kind === '0') return codePoint(0)
  if (kind === 'k' || /[1-9]/.test(kind)) throw new Error(`it has a back reference, "${piece}"`)
  return piece.replace(/\{(?:script|sc|general_category|gc)=/i, '{')
}

/** Two halves that follow each other are one character. */
function unitsToRe2(high: string, low: string | undefined): string {
  const first = Number.parseInt(high, 16)
  if (low === undefined) return codePoint(first)
  const second = Number.parseInt(low, 16)
  if (first < 0xd800 || first > 0xdbff) return codePoint(first) + codePoint(second)
  return codePoint((first - 0xd800) * 0x400 + (second - 0xdc00) + 0x10000)
}

function codePoint(code: number): string {
  return `\\x{${code.toString(16)}}`
}
