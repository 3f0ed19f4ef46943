/** An object in an object, so many levels in all. */
export function deep(levels: number): string {
  return `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
}

/** An object with so many members in all: one, and the items of the list in it. */
export function wide(members: number): string {
  return JSON.stringify({ list: Array(members - 1).fill(0) })
}

/** A text that is a JSON object of exactly so many bytes, with one member `note`. */
export function heavy(bytes: number): string {
  return JSON.stringify({ note: 'x'.repeat(bytes - '{"note":""}'.length) })
}

/** JSON that is no object, and texts that hold JSON of an object. */
export const notObjects: readonly string[] = [
  '[1]',
  '[]',
  '[{"note":1}]',
  '"text"',
  '""',
  '"{}"',
  '"{\\"note\\":1}"',
  '"{\\"auth_token\\":\\"secret\\"}"',
  '0',
  '5',
  'true',
  'false',
  'null',
]
