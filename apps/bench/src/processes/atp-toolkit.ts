import { ToolKitClient } from '@atp/core'
import * as z from 'zod'
import { serveParent } from '../children/serve-parent.ts'
import { echoTool } from '../load/echo.ts'
import { type AtpServerInfo, atpToolkit } from '../systems/atp-system.ts'

/** Our toolkit: the echo tool with a zod schema. */
serveParent(async ({ url, toolkitKey }: AtpServerInfo) => {
  const client = new ToolKitClient({ apiKey: toolkitKey, appName: atpToolkit, baseUrl: url, maxConcurrency: 512 })
  client.registerTool(
    { name: echoTool, description: 'Gives back what it got', params: z.object({ text: z.string(), n: z.number() }) },
    (args) => args,
  )
  await client.start()
})
