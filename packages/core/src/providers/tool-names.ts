import { namePattern } from '../protocol/names.ts'

/** The longest tool name that every provider takes. */
const maxToolNameLength = 64

/**
 * Gives each tool a name that providers accept, and keeps names that already are. Others get their odd characters
 * replaced, are cut, and end in a hash of the whole name, so that two long names with one beginning stay apart. The
 * same set of names always gives the same answer, in any order.
 * @returns the name the model sees for each real name.
 */
export function providerToolNames(names: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  const taken = new Set<string>()
  for (const name of names) {
    if (!namePattern.test(name)) continue
    given.set(name, name)
    taken.add(name)
  }
  const odd = new Set(names.filter((name) => !given.has(name)))
  for (const name of [...odd].sort()) {
    let short = shortenName(name, 0)
    for (let attempt = 1; taken.has(short); attempt += 1) short = shortenName(name, attempt)
    given.set(name, short)
    taken.add(short)
  }
  return given
}

/** Letters, digits, `_` and `-` of a name, and a hash of the whole: at most 64 characters. `attempt` gives another. */
export function shortenName(name: string, attempt: number): string {
  const hash = hashText(attempt === 0 ? name : `${attempt} ${name}`)
  const readable = name.replaceAll(/[^a-zA-Z0-9_-]+/g, '_').slice(0, maxToolNameLength - hash.length - 1)
  return `${readable || 'tool'}_${hash}`
}

/** FNV-1a with 32 bits: it only has to tell the tools of one toolkit apart, and collisions are tried again. */
function hashText(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}
