import { LLMClient, ToolKitClient } from '@atp/core'
import { startFoundingServer } from '@atp/testing/legacy'
import { describe, expect, it } from 'vitest'

/* `protocol: 'http'` against a server as the founders ran it: its inbox takes the place of ours. */

describe('a toolkit over HTTP', () => {
  it('serves the inbox of a founding server, and has answered its last call when it stopped', async () => {
    await using server = await startFoundingServer({ inboxHoldMs: 100 })
    const toolkit = new ToolKitClient({
      protocol: 'http',
      baseUrl: server.baseUrl,
      apiKey: server.createToolkitKey('math'),
      appName: 'math',
    })
    const started = Promise.withResolvers<void>()
    const end = Promise.withResolvers<string>()
    toolkit.registerTool({ name: 'double', description: 'Doubles', params: ['n'] }, ({ n }) => Number(n) * 2)
    toolkit.registerTool({ name: 'fails', description: 'Fails' }, () => {
      throw new Error('it broke')
    })
    toolkit.registerTool({ name: 'wait', description: 'Waits' }, () => {
      started.resolve()
      return end.promise
    })
    await toolkit.start()
    const llm = new LLMClient({ baseUrl: server.baseUrl, apiKey: server.createLlmKey() })
    try {
      await expect.poll(() => server.seen.filter((each) => each.endsWith('/inbox')).length).toBeGreaterThan(0)
      await expect(llm.call({ toolkitId: 'math', tool: 'double', params: { n: 21 } })).resolves.toBe(42)
      await expect(llm.call({ toolkitId: 'math', tool: 'fails' })).rejects.toThrow('it broke')
      const last = llm.call({ toolkitId: 'math', tool: 'wait' })
      await started.promise
      const stopping = toolkit.stop()
      end.resolve('done')
      await stopping
      await expect(last).resolves.toBe('done')
    } finally {
      end.resolve('')
      await toolkit.stop()
      await llm.close()
    }
  })
})
