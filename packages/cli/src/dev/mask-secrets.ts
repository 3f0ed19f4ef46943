/** What stands where a secret stood. */
const masked = '[redacted]'

/** A part of the name is enough: `github_token`, `dbPassword`. */
const secretName =
  /token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key/i

/** What of arguments and results is shown. */
export interface Masking {
  /** Names of members whose values are not shown, beside those that look like secrets. `*` hides all of them. */
  names: readonly string[]
  /** Shows everything. */
  off?: boolean
}

/**
 * A copy of a JSON value in which members that are called like secrets have no value. Numbers and switches stay: a
 * `max_tokens` is none.
 */
export function maskSecrets(value: unknown, { names, off = false }: Masking): unknown {
  if (off) return value
  if (names.includes('*')) return value === null || value === undefined ? value : masked
  const isSecret = (name: string): boolean => names.includes(name) || secretName.test(name)
  const copy = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return part.map(copy)
    const members = Object.entries(part).map(([name, member]): [string, unknown] => [
      name,
      isSecret(name) && hides(name, member) ? masked : copy(member),
    ])
    return Object.fromEntries(members)
  }
  const hides = (name: string, member: unknown): boolean =>
    names.includes(name) || (typeof member === 'string' ? member !== '' : typeof member === 'object' && member !== null)
  return copy(value)
}
