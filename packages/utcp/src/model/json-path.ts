/** One step into JSON: a member's name or an item's index. */
export type PathSegment = string | number

/** Writes a place in JSON as people do: `tools[3].inputs["x-y"]`. */
export function joinPath(base: string, ...segments: readonly PathSegment[]): string {
  let path = base
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`
    else if (!/^[A-Za-z_$][\w$-]*$/.test(segment)) path += `[${JSON.stringify(segment.slice(0, 100))}]`
    else path += path === '' ? segment : `.${segment}`
  }
  return path
}
