import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeSignal, createAtpHandler, nodeBody, writeNodeResponse } from '@atp/core/http'
import {
  createContractMounts,
  describeRoutes,
  describeUtcpInterop,
  guardHeader,
  guardValue,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
  type RoutesHost,
} from '../src/index.ts'

describeRoutes('node:http without a framework', startNodeHost)
describeUtcpInterop('node:http without a framework', startNodeHost)

/** The smallest adapter there can be, which shows what a socket adds to the contract. */
async function startNodeHost(): Promise<RoutesHost> {
  const routes = createContractMounts()
    .toSorted((one, other) => other.prefix.length - one.prefix.length)
    .map((mount) => ({ ...mount, handle: createAtpHandler(mount.source, mount.options) }))

  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    // What is no path of ours, such as an absolute address, is left to the handler.
    const mount = routes.find(({ prefix }) => url.startsWith(prefix))
    if (mount?.guarded && request.headers[guardHeader] !== guardValue) return end(response, 403, 'no session')
    const answer = mount?.handle({
      method: request.method ?? 'GET',
      path: url.slice(mount.prefix.length),
      basePath: mount.prefix,
      origin: () => `http://${request.headers.host}`,
      header: (name) => headerText(request, name),
      body: () => nodeBody(request),
      signal: closeSignal(response),
      native: request,
    })
    if (answer === undefined) return ownRoute(request, response)
    void answer.then((made) => writeNodeResponse(response, made))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch: (request) => fetch(request),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function ownRoute(request: IncomingMessage, response: ServerResponse): void {
  const own = request.url === ownRoutePath
  const text = request.method === 'POST' ? ownRoutePosted : ownRouteText
  end(response, own ? 200 : 404, own ? text : 'no such page')
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
}
