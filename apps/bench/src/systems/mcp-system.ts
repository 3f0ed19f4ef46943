import type { LoadSystem } from './load-system.ts'

/** How the MCP peer serves: see `processes/mcp-server.ts`. */
export type McpMode = 'session' | 'session-json' | 'stateless'

/** All of them. */
export const mcpModes: readonly McpMode[] = ['session', 'session-json', 'stateless']

/** The MCP TypeScript SDK over streamable HTTP: one process serves the tool, a second calls it. */
export function mcpSystem(mode: McpMode): LoadSystem {
  return {
    name: `MCP ${mode}`,
    async start(children) {
      const server = await children.start('mcp-server', { data: { mode } })
      const { url } = server.started as { url: string }
      const load = await children.start('mcp-load', { data: { mode, url } })
      return { server, load, processes: [load, server] }
    },
  }
}
