import { UtcpError } from '@atp/utcp'

/**
 * The text of an argument in a path or a header: lists as `a,b` (the style `simple` of OpenAPI), objects as JSON, all
 * else as it prints. Null and undefined have none.
 */
export function argumentText(value: unknown, name: string): string | undefined {
  if (value === null || value === undefined) return undefined
  if (Array.isArray(value)) {
    return value
      .map((item) => scalarText(item, name))
      .filter((text) => text !== undefined)
      .join(',')
  }
  return scalarText(value, name)
}

/** As {@link argumentText}, but lists are JSON. */
export function scalarText(value: unknown, name: string): string | undefined {
  if (value === null || value === undefined) return undefined
  return typeof value === 'object' ? jsonText(value, name) : String(value)
}

/** An argument as JSON. @throws UtcpError `invalid_arguments` for what JSON does not have */
export function jsonText(value: unknown, name: string): string {
  let cause: unknown
  try {
    const text = JSON.stringify(value)
    if (text !== undefined) return text
  } catch (error) {
    cause = error
  }
  throw new UtcpError('invalid_arguments', `The argument "${name}" cannot be written as JSON`, { cause, path: name })
}

/** A text for a path or a query. Halves of surrogate pairs, which have no UTF-8, become U+FFFD as in every form. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
