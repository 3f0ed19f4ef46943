import { ToolError } from '@atp/core'
import { quote } from '../text/quote.ts'

/** The longest path taken from a caller, in characters. */
export const maxPathLength = 4_096

/**
 * Splits a caller's path into its parts; the folder itself (`''`, `.`, `./`) has none. Says nothing of what is on
 * disk. There is no decoding: `%2e%2e` is a name like any other.
 * @throws ToolError when the path could leave the folder or names a dot file
 */
export function parseRelativePath(path: string): string[] {
  if (path.length > maxPathLength) throw new ToolError(`The path is longer than ${maxPathLength} characters`)
  if (path.includes('\0')) throw new ToolError(`Path ${quote(path)} contains a NUL character; remove it`)
  if (path.includes('\\')) throw new ToolError(`Path ${quote(path)} contains a backslash; write folders with "/"`)
  if (path.startsWith('/') || /^[a-zA-Z]:(\/|$)/.test(path)) {
    throw new ToolError(`Path ${quote(path)} is absolute; give it from the workspace folder, such as "src/index.ts"`)
  }
  // On Windows "name:stream" opens a second content of a file, past rules that go by its name.
  if (process.platform === 'win32' && path.includes(':')) {
    throw new ToolError(`Path ${quote(path)} contains a colon, which is not allowed`)
  }
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) {
    throw new ToolError(`Path ${quote(path)} contains "..": only paths inside the workspace folder can be used`)
  }
  if (parts.some(isUnlistedName)) throw hiddenPathError(path)
  return parts
}

/** Whether a name is never shown: dot names, and names with a backslash, which no path can ask for. */
export function isUnlistedName(name: string): boolean {
  return name.startsWith('.') || name.includes('\\')
}

/** Says the same of a dot file, a git-ignored file and a hidden folder, whether or not there is one. */
export function hiddenPathError(path: string): ToolError {
  return new ToolError(
    `${quote(path)} cannot be used: dot files, git-ignored files and private folders are never listed or read`,
  )
}
