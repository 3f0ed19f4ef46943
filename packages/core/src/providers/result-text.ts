import type { ToolCallResult } from './provider-format.ts'

/** What the model reads of a call: the result as JSON, or `{"error": message}`. Non-ASCII characters stay as they are. */
export function resultText(result: ToolCallResult): string {
  const { outcome } = result
  if (!outcome.ok) return JSON.stringify({ error: outcome.error.message })
  // A result of undefined has no JSON form; null is how it travels everywhere else.
  return JSON.stringify(outcome.result) ?? 'null'
}
