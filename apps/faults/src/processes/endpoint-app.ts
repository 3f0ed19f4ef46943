import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ToolKitClient } from '@atp/core'
import { closeSignal, createAtpHandler, nodeBody, writeNodeResponse } from '@atp/core/http'
import { serve } from '../children/serve.ts'
import { createTools } from '../scene/toolkit-tools.ts'

/** How an app runs. */
export interface EndpointAppPlan {
  name: string
  ledgers: string
  baseUrl: string
  apiKey: string
  appName: string
  /** 0 for any. */
  port: number
}

const host = '127.0.0.1'

/* An app that serves a toolkit to signed calls, and tells the server its address when it is asked to, as a deployment does. */
serve(async ({ name, ledgers, port, ...options }: EndpointAppPlan, parent) => {
  const register = createTools({ name, ledgers, parent })
  const served = new ToolKitClient(options)
  register(served)
  const handle = createAtpHandler(served)
  const app = createServer((request, response) => {
    const answer = handle({
      method: request.method ?? '',
      path: request.url ?? '',
      basePath: '',
      origin: () => `http://${host}`,
      header: (header) => request.headers[header]?.toString(),
      body: () => nodeBody(request),
      signal: closeSignal(response),
      native: undefined,
    })
    if (answer === undefined) response.writeHead(404).end()
    else void answer.then((ready) => writeNodeResponse(response, ready))
  })
  app.listen(port, host)
  await once(app, 'listening')
  return {
    started: (app.address() as AddressInfo).port,
    commands: {
      async register({ url }: { url: string }): Promise<void> {
        const client = new ToolKitClient({ ...options, endpointUrl: url })
        register(client)
        await client.start()
        await client.stop()
      },
    },
  }
})
