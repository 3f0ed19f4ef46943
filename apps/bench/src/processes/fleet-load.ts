import { LLMClient } from '@atp/core'
import { checkEchoJson, echoJson, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'

/** What the row tells: the callers' keys, and the toolkits, named `PREFIX-0`, `PREFIX-1`, … */
interface FleetLoadData {
  url: string
  keys: string[]
  toolkits: { prefix: string; count: number }
}

/** Many callers, each with a key and a socket of its own; their calls go to all toolkits in turn. */
serveLoad(async ({ url, keys, toolkits }: FleetLoadData) => {
  const idle = keys.map((apiKey) => new LLMClient({ apiKey, baseUrl: url }))
  let calls = 0
  return async () => {
    const client = idle.pop()
    if (client === undefined) throw new Error(`There are no more than ${keys.length} callers`)
    const toolkitId = `${toolkits.prefix}-${calls++ % toolkits.count}`
    const toolCall = { type: 'function_call', call_id: `call_${calls}`, name: echoTool, arguments: echoJson }
    const [message] = await client.callTool({ toolkitId, toolCalls: [toolCall], provider: 'openai' })
    checkEchoJson(message?.output)
    idle.push(client)
  }
})
