import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describeRoutes, describeUtcpInterop, type RoutesHost } from '@atp/testing'
import { createAdaptorServer } from '@hono/node-server'
import { createContractHonoApp } from './support/contract-hono-app.ts'
import { nodeDeviations } from './support/deviations.ts'

describeRoutes('Hono on Node', startNode, nodeDeviations)
describeUtcpInterop('Hono on Node', startNode)

async function startNode(): Promise<RoutesHost> {
  const server = createAdaptorServer({ fetch: createContractHonoApp().fetch }) as import('node:http').Server
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
