/** All `$ref` of a JSON document. */
export function refsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : refsIn(value),
  )
}

/** What a reference such as `#/a/b` points at in a document. @throws Error when it points at nothing */
export function resolveRef(document: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) throw new Error(`"${ref}" leads out of the document`)
  const names = decodeURIComponent(ref.slice(1)).split('/').slice(1)
  return names.reduce<unknown>((node, name) => {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) {
      throw new Error(`"${ref}" points at nothing`)
    }
    return (node as Record<string, unknown>)[key]
  }, document)
}

/** The paths of all nulls in a document. */
export function nullsIn(node: unknown, path = ''): string[] {
  if (node === null) return [path]
  if (typeof node !== 'object') return []
  return Object.entries(node).flatMap(([key, value]) => nullsIn(value, `${path}/${key}`))
}
