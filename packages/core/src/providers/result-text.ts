import type { ToolCallResult } from './provider-format.ts'

/**
 * What the model reads of a call: the result as JSON, or `{"error": message}`. Non-ASCII characters stay as they are. A
 * text longer than `maxLength` characters is cut, and says so at its end with its whole length.
 */
export function resultText({ outcome }: ToolCallResult, maxLength: number): string {
  // A result of undefined has no JSON form; null is how it travels everywhere else.
  const text = outcome.ok
    ? (JSON.stringify(outcome.result) ?? 'null')
    : JSON.stringify({ error: outcome.error.message })
  if (text.length <= maxLength) return text
  // Half a character would reach the provider as a mark of something unreadable.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(maxLength - 1)) ? maxLength - 1 : maxLength
  return `${text.slice(0, end)}\n[cut: the first ${end} of ${text.length} characters]`
}
