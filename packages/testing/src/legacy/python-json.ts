/**
 * JSON as Python's `json.dumps` writes it by default: a space after each comma and colon, everything beyond ASCII as
 * an escape such as `\u00fc`. Members that are undefined are left out.
 */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return `{${members.map(([name, member]) => `${text(name)}: ${pythonJson(member)}`).join(', ')}}`
  }
  return typeof value === 'string' ? text(value) : (JSON.stringify(value) ?? 'null')
}

function text(value: string): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Whether Python would take a JSON value for false: null, false, 0, an empty text, list or object. */
export function isFalsy(value: unknown): boolean {
  if (value !== null && typeof value === 'object') return Object.keys(value).length === 0
  return !value
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
