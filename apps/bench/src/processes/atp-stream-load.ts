import { LLMClient } from '@atp/core'
import { checkChunk, checkStreamEnd, chunksTool } from '../load/chunks.ts'
import { serveStreamLoad } from '../load/serve-stream-load.ts'
import { type AtpLoadData, atpToolkit } from '../systems/atp-system.ts'

/** Reads streams through our server, piece by piece; as many clients as there are streams at once. */
serveStreamLoad(async ({ url, llmKey, protocol }: AtpLoadData) => {
  const idle: LLMClient[] = []
  return async (onChunk) => {
    const client = idle.pop() ?? new LLMClient({ apiKey: llmKey, baseUrl: url, protocol })
    let count = 0
    for await (const part of client.callStreaming({ toolkitId: atpToolkit, tool: chunksTool })) {
      if (part.type === 'chunk') {
        checkChunk(part.data, count)
        count += 1
        onChunk()
      } else if (part.type === 'result') checkStreamEnd(part.result, count)
    }
    idle.push(client)
  }
})
