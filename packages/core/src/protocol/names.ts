import { AtpError } from '../errors/atp-error.ts'

/** Rule I2: what a tool or toolkit slug may be called. */
export const namePattern: RegExp = /^[a-zA-Z0-9_-]{1,64}$/

/** The longest toolkit name a client may use; older clients use any text. */
export const maxAppNameLength = 128

/** The longest caption of a toolkit, in characters. */
export const maxCaptionLength = 4_096

/** The longest system instructions of a toolkit, in characters. */
export const maxInstructionsLength = 65_536

/**
 * Refuses a tool name that not every LLM provider would take.
 * @throws AtpError `invalid_name`
 */
export function checkToolName(name: unknown): asserts name is string {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw new AtpError(
    'invalid_name',
    `Tool name ${shown(name)} is not allowed: use 1 to 64 of the characters a-z, A-Z, 0-9, "_" and "-"`,
  )
}

/**
 * Refuses a toolkit name that is empty, too long or holds control characters.
 * @throws AtpError `invalid_name`
 */
export function checkAppName(name: unknown): asserts name is string {
  if (typeof name === 'string' && isAppName(name)) return
  throw new AtpError(
    'invalid_name',
    `Toolkit name ${shown(name)} is not allowed: use 1 to ${maxAppNameLength} characters, no control characters`,
  )
}

/** Whether a text can name a toolkit. */
export function isAppName(name: string): boolean {
  // Control characters would end up in log lines and terminals (rule L3).
  return name.length > 0 && name.length <= maxAppNameLength && name.trim() !== '' && !/\p{Cc}/u.test(name)
}

/** A peer may send anything for a name, and `String` of such an object can throw. */
function shown(name: unknown): string {
  if (typeof name === 'string') return JSON.stringify(name.slice(0, 80))
  if (name === undefined || name === null) return String(name)
  return typeof name === 'object' ? 'that is an object' : `that is a ${typeof name}`
}
