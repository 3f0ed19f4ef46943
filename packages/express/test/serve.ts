import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type express from 'express'

/** Listens on a free port. */
export async function serve(app: express.Express): Promise<{ url: string; close: () => Promise<void> }> {
  // Express's error handler prints errors of requests unless it is told that this is a test.
  app.set('env', 'test')
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
