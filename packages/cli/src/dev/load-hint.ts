import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What to do about an error of Node that is about how it runs TypeScript; empty for all others. */
export function loadHint(error: unknown): string {
  const { code, message = '', url } = (error ?? {}) as { code?: string; message?: string; url?: string }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return (
      ' (Node only takes types out of TypeScript: write an enum as a const object, a parameter property as a member; ' +
      '"erasableSyntaxOnly" in tsconfig.json finds all such places)'
    )
  }
  if (code === 'ERR_MODULE_NOT_FOUND' && url?.startsWith('file:')) {
    const path = fileURLToPath(url)
    const meant = [`${path}.ts`, `${path}.js`, path.replace(/\.(m|c)?js$/, '.$1ts')].find((name) => existsSync(name))
    return meant === undefined ? '' : ` (imports name files as they are: ${meant} is there)`
  }
  if (error instanceof SyntaxError && message.includes('does not provide an export named')) {
    return ' (if it is a type, write "import type")'
  }
  return ''
}
