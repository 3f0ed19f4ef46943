import { ToolError } from '@atp/core'
import { RE2JS } from 're2js'
import { quote } from './quote.ts'

/** How a glob is explained to a model. */
export const globHelp =
  'Glob: * is any text within a name, ** any folders, ? one character, {a,b} either. Without "/" it is matched against the file name (*.ts), with "/" against the path from the workspace folder (src/**/*.ts).'

/**
 * Makes a file filter of a glob. Runs in time linear in the path: globs come from callers, and a backtracking engine
 * takes exponential time on `*a*a*a*a*b`.
 * @throws ToolError when the glob cannot be used
 */
export function compileGlob(glob: string): (path: string) => boolean {
  if (glob.startsWith('!')) {
    throw new ToolError(`Glob ${quote(glob)} starts with "!": negation is not supported; say what to include`)
  }
  if (glob.includes('\\')) throw new ToolError(`Glob ${quote(glob)} contains a backslash; write folders with "/"`)
  const anchored = glob.replace(/^(\.?\/)+/, '').replace(/\/$/, '/**')
  const matcher = RE2JS.compile(toPattern(anchored, glob), RE2JS.DOTALL)
  if (glob.includes('/')) return (path) => matcher.testExact(path)
  return (path) => matcher.testExact(path.slice(path.lastIndexOf('/') + 1))
}

const token = /\*\*\/|\*\*|\*|\?|[{},]|[^*?{},]+/g

function toPattern(glob: string, shown: string): string {
  let open = 0
  let pattern = ''
  for (const [part] of glob.matchAll(token)) {
    if (part === '{') open += 1
    if (part === '}') open -= 1
    if (open < 0) break
    pattern += translate(part, open > 0)
  }
  if (open === 0) return pattern
  throw new ToolError(`Glob ${quote(shown)} has a "{" or "}" without its pair; alternatives are written {a,b}`)
}

function translate(part: string, inBraces: boolean): string {
  switch (part) {
    case '**/':
      return '(?:.*/)?'
    case '**':
      return '.*'
    case '*':
      return '[^/]*'
    case '?':
      return '[^/]'
    case '{':
      return '(?:'
    case '}':
      return ')'
    case ',':
      return inBraces ? '|' : ','
    default:
      return RE2JS.quote(part)
  }
}
