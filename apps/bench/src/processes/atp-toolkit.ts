import { ToolKitClient } from '@atp/core'
import { serveParent } from '../children/serve-parent.ts'
import { chunks, chunksTool } from '../load/chunks.ts'
import { registerEcho } from '../load/echo-route.ts'
import { type AtpToolkitData, atpToolkit } from '../systems/atp-system.ts'

/** Our toolkit: the echo tool with a zod schema, and the tool that streams. */
serveParent(async ({ url, toolkitKey, protocol }: AtpToolkitData) => {
  const place = { apiKey: toolkitKey, appName: atpToolkit, baseUrl: url, protocol }
  const client = new ToolKitClient({ ...place, maxConcurrency: 512 })
  registerEcho(client)
  const chunksDefinition = { name: chunksTool, description: 'Yields many small pieces', params: { type: 'object' } }
  client.registerTool(chunksDefinition, chunks)
  await client.start()
})
