import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { serveParent } from '../children/serve-parent.ts'
import { echoTool } from '../load/echo.ts'
import type { McpMode } from '../systems/mcp-system.ts'

const inputSchema = z.object({ text: z.string(), n: z.number() })

/*
 * The MCP peer in its ordinary ways. `session`: protocol revision 2025-11-25, one server and transport for each
 * session, answers as event streams (the default); `session-json`: the same with JSON answers. `stateless`: revision
 * 2026-07-28 through `createMcpHandler`, as the SDK's documentation serves it, which answers with JSON by default.
 */
serveParent(async ({ mode }: { mode: McpMode }) => {
  const handle = mode === 'stateless' ? serveStateless() : serveSessions(mode === 'session-json')
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` }
})

function createEchoServer(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool(echoTool, { description: 'Gives back what it got', inputSchema }, (args) => ({
    content: [{ type: 'text', text: JSON.stringify(args) }],
  }))
  return server
}

function serveStateless(): RequestListener {
  const handle = toNodeHandler(createMcpHandler(createEchoServer))
  // The adapter's type lacks the `undefined` that Node's own has.
  return (request, response) => void handle(request as NodeIncomingMessageLike, response)
}

function serveSessions(enableJsonResponse: boolean): RequestListener {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>()
  const openSession = async (): Promise<NodeStreamableHTTPServerTransport> => {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await createEchoServer().connect(transport)
    return transport
  }
  return async (request, response) => {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await openSession()
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response)
  }
}
