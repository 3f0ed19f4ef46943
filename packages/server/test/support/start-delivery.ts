import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFetchHandler, ToolKitClient, type ToolKitClientOptions } from '@atp/core'
import type { TestServer } from './test-server.ts'

/** The ways in which a call reaches a toolkit. */
export const deliveryKinds = ['socket', 'inbox', 'endpoint'] as const

/** One of {@link deliveryKinds}. */
export type DeliveryName = (typeof deliveryKinds)[number]

/** A toolkit that is reached in one way; gone at the end of the test's block. */
export interface DeliveredToolkit extends AsyncDisposable {
  toolkit: ToolKitClient
}

/** Makes a toolkit, lets `register` give it tools, and serves it in one way. */
export async function startDelivery(
  server: TestServer,
  kind: DeliveryName,
  appName: string,
  register: (toolkit: ToolKitClient) => void,
  options: Partial<ToolKitClientOptions> = {},
): Promise<DeliveredToolkit> {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: appName })
  const protocol = kind === 'inbox' ? 'http' : 'ws'
  const place = { baseUrl: server.url, apiKey: key, appName, protocol } as const
  const toolkit = new ToolKitClient({ maxConcurrency: 512, ...options, ...place })
  register(toolkit)
  if (kind !== 'endpoint') {
    await toolkit.start()
    return { toolkit, [Symbol.asyncDispose]: () => toolkit.stop() }
  }
  // Registered as a deploy step would, and served from then on by an app of its own.
  await toolkit.start()
  await toolkit.stop()
  const endpoint = await startEndpoint(toolkit)
  await setEndpoint(server, appName, endpoint.url)
  return { toolkit, [Symbol.asyncDispose]: endpoint.close }
}

async function setEndpoint(server: TestServer, toolkit: string, url: string): Promise<void> {
  const answer = await fetch(`${server.url}/api/v2/toolkits/${encodeURIComponent(toolkit)}/endpoint`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${server.keys.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  })
  if (!answer.ok) throw new Error(`The endpoint was refused: ${await answer.text()}`)
}

/** An app that serves a toolkit's routes, as web-standard frameworks do. */
async function startEndpoint(toolkit: ToolKitClient): Promise<{ url: string; close: () => Promise<void> }> {
  const handle = createFetchHandler(toolkit)
  const app = createHttpServer(async (request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = request.method === 'POST' ? Buffer.concat(chunks) : null
    const init = { method: request.method ?? 'GET', headers, body, signal: gone.signal }
    const answer = await handle(new Request(`http://${request.headers.host}${request.url}`, init))
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    for await (const chunk of answer.body ?? []) response.write(chunk)
    response.end()
  })
  await new Promise<void>((listening) => app.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
    async close() {
      app.closeAllConnections()
      await new Promise((closed) => app.close(closed))
    },
  }
}
