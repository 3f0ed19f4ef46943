import type { AddressInfo } from 'node:net'
import { ToolKitClient } from '@atp/core'
import { atp } from '@atp/fastify'
import { fastify } from 'fastify'
import { serveParent } from '../children/serve-parent.ts'
import { createEchoToolkit, registerEcho } from '../load/echo-route.ts'
import { atpToolkit } from '../systems/atp-system.ts'
import type { EndpointAppData } from '../systems/endpoint-system.ts'

/** An app that serves the echo tool to whoever signs with what its key stands for. */
serveParent(async ({ url, toolkitKey }: EndpointAppData) => {
  const app = fastify()
  app.register(atp, { client: createEchoToolkit(toolkitKey) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  if (url !== undefined) await register(url, toolkitKey, `http://127.0.0.1:${port}`)
  return { port }
})

/** Tells the server of the tool and the URL, as a deployment does; no process of it stays connected. */
async function register(baseUrl: string, apiKey: string, endpointUrl: string): Promise<void> {
  const client = new ToolKitClient({ apiKey, appName: atpToolkit, baseUrl, endpointUrl })
  registerEcho(client)
  await client.start()
  await client.stop()
}
