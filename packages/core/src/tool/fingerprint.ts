import { type ToolDescriptor, toWireTool } from '../protocol/tool-descriptor.ts'

/** What of a toolkit is announced beside its tools. */
export interface ToolkitIdentity {
  caption: string | undefined
  instructions: string | undefined
  tools: Iterable<ToolDescriptor>
}

/**
 * A stable hash of all that a server stores of a toolkit: hex SHA-256 over the tools' wire forms in name order.
 * Neither the order of registration nor that of a schema's members changes it; a changed description, schema or hint
 * does.
 */
export async function toolkitHash(toolkit: ToolkitIdentity): Promise<string> {
  const tools = [...toolkit.tools].map(toolText).sort()
  const text = stableJson([toolkit.caption ?? null, toolkit.instructions ?? null, tools])
  return sha256Hex(text)
}

/** The SHA-256 of a text's UTF-8, as hex. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The lists of names repeat the schema, and in the order of its members, which means nothing. */
function toolText(tool: ToolDescriptor): string {
  const { params: _, required_params: __, ...wire } = toWireTool(tool)
  return stableJson(wire)
}

/** JSON with the members of every object in name order. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  )
}
