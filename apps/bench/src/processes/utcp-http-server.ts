import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveParent } from '../children/serve-parent.ts'
import { echoJson, echoTool } from '../load/echo.ts'

/** A manual with the echo tool, and the tool: the least that answers rightly. */
serveParent(async () => {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    response.setHeader('content-type', 'application/json')
    if (path === '/utcp') response.end(JSON.stringify(manual(`http://${request.headers.host}`)))
    else if (path === echoPath) response.end(echoJson)
    else response.writeHead(404).end('{"error":"not the call that is measured"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/utcp` }
})

/** The call as both clients send it. */
const echoPath = `/${echoTool}?text=hello&n=1`

function manual(origin: string): unknown {
  return {
    utcp_version: '1.0.1',
    manual_version: '1.0.0',
    tools: [
      {
        name: echoTool,
        description: 'Gives back what it got',
        inputs: {
          type: 'object',
          properties: { text: { type: 'string' }, n: { type: 'number' } },
          required: ['text', 'n'],
        },
        outputs: {},
        tags: [],
        tool_call_template: { call_template_type: 'http', url: `${origin}/${echoTool}`, http_method: 'GET' },
      },
    ],
  }
}
