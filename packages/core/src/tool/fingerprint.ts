import { type ToolDescriptor, toWireTool } from '../protocol/tool-descriptor.ts'

/** What of a toolkit is announced beside its tools. */
export interface ToolkitIdentity {
  caption: string | undefined
  instructions: string | undefined
  tools: Iterable<ToolDescriptor>
}

/**
 * A stable hash of all that a server stores of a toolkit: hex SHA-256 over the tools' wire forms in name order.
 * The order of registration does not change it; a changed description, schema or hint does.
 */
export async function toolkitHash(toolkit: ToolkitIdentity): Promise<string> {
  const tools = [...toolkit.tools].map((tool) => stableJson(toWireTool(tool))).sort()
  const text = stableJson([toolkit.caption ?? null, toolkit.instructions ?? null, tools])
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** JSON with the members of every object in name order. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  )
}
