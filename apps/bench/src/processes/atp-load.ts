import { setTimeout as sleep } from 'node:timers/promises'
import { LLMClient } from '@atp/core'
import { checkEchoJson, echoJson, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'
import { type AtpLoadData, atpToolkit } from '../systems/atp-system.ts'

/** Calls as an application does: the function call that OpenAI's Responses API yields, in; its output item, out. */
serveLoad(async ({ url, llmKey, protocol, pollMs }: AtpLoadData) => {
  const client = new LLMClient({ apiKey: llmKey, baseUrl: url, protocol })
  let calls = 0
  const call = async (): Promise<void> => {
    const toolCall = { type: 'function_call', call_id: `call_${++calls}`, name: echoTool, arguments: echoJson }
    const [message] = await client.callTool({ toolkitId: atpToolkit, toolCalls: [toolCall], provider: 'openai' })
    checkEchoJson(message?.output)
  }
  return pollMs === undefined ? call : () => noticedByPolling(call(), pollMs)
})

/** As clients wait that look every so often whether an answer has come. */
async function noticedByPolling(answer: Promise<void>, pollMs: number): Promise<void> {
  let done = false
  const marked = answer.finally(() => {
    done = true
  })
  marked.catch(() => {})
  while (!done) await sleep(pollMs)
  await marked
}
