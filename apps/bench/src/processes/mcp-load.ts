import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { checkEchoJson, echoParams, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'
import type { McpMode } from '../systems/mcp-system.ts'

/** Calls through the MCP client. */
serveLoad(async ({ mode, url }: { mode: McpMode; url: string }) => {
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    { versionNegotiation: { mode: mode === 'stateless' ? { pin: '2026-07-28' } : 'legacy' } },
  )
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return async () => {
    const { content } = await client.callTool({ name: echoTool, arguments: echoParams })
    const [block] = content
    checkEchoJson(block?.type === 'text' ? block.text : content)
  }
})
