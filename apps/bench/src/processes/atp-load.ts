import { LLMClient } from '@atp/core'
import { checkEchoJson, echoJson, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'
import { type AtpServerInfo, atpToolkit } from '../systems/atp-system.ts'

/** Calls as an application does: the function call that OpenAI's Responses API yields, in; its output item, out. */
serveLoad(async ({ url, llmKey }: AtpServerInfo) => {
  const client = new LLMClient({ apiKey: llmKey, baseUrl: url })
  let calls = 0
  return async () => {
    const call = { type: 'function_call', call_id: `call_${++calls}`, name: echoTool, arguments: echoJson }
    const [message] = await client.callTool({ toolkitId: atpToolkit, toolCalls: [call], provider: 'openai' })
    checkEchoJson(message?.output)
  }
})
