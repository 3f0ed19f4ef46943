import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UtcpClient } from '@atp/utcp'
import { http, sse, streamableHttp } from '@atp/utcp-http'

// A site with a manual and its tools, in place of one that is there already.
const site = createServer((request, response) => {
  const { pathname, searchParams, origin } = new URL(request.url ?? '/', `http://${request.headers.host}`)
  const tool = (name: string, call_template_type: string) => ({
    name,
    tool_call_template: { call_template_type, url: `${origin}/${name}` },
  })
  const answer = (value: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (pathname === '/utcp') answer({ utcp_version: '1.0.1', tools: [tool('today', 'http'), tool('hours', 'sse')] })
  else if (searchParams.get('city') !== 'Rome') answer({ error: 'no such city' }, 404)
  else if (pathname === '/today') answer({ city: 'Rome', sky: 'clear' })
  else response.setHeader('content-type', 'text/event-stream').end('data: {"hour":9}\n\ndata: {"hour":10}\n\n')
}).listen(0, '127.0.0.1')
await once(site, 'listening')
const { port } = site.address() as AddressInfo

const client = await UtcpClient.create(
  {
    manual_call_templates: [
      {
        name: 'weather',
        call_template_type: 'http',
        url: `http://127.0.0.1:${port}/utcp`,
        allowed_communication_protocols: ['http', 'sse'],
      },
    ],
  },
  { protocols: [http(), sse(), streamableHttp()] },
)

console.log(await client.callTool('weather.today', { city: 'Rome' })) // → {"city":"Rome","sky":"clear"}

for await (const hour of client.callToolStreaming('weather.hours', { city: 'Rome' })) console.log(hour)
// → {"hour":9}
// → {"hour":10}

try {
  await client.callTool('weather.today', { city: 'Atlantis' })
} catch (error) {
  const { code, status, body } = error as Error & { code: string; status: number; body: unknown }
  console.log(code, status, body) // → http_error 404 {"error":"no such city"}
}

await client.close()
site.close()
