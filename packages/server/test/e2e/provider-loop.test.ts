import { defineTool } from '@atp/core'
import { providerFormat } from '@atp/core/protocol'
import { startTestServer } from '../support/test-server.ts'
import { describeProviderLoops, loopTools } from './provider-loop-suite.ts'
import type { ToolRunner } from './provider-loops.ts'

type OwnedRunner = ToolRunner & AsyncDisposable

describeProviderLoops('formats alone', async () => createFormatRunner())
describeProviderLoops('LLMClient over WebSocket', () => createClientRunner('ws'))
describeProviderLoops('LLMClient over HTTP', () => createClientRunner('http'))

/** Nothing but the format between package and tools. */
function createFormatRunner(): OwnedRunner {
  const tools = loopTools.map(({ definition, handler }) => defineTool(definition, handler))
  return {
    context: async (provider) => ({ tools: providerFormat(provider).toTools(tools).tools }),
    run: async (provider, response) => {
      const format = providerFormat(provider)
      const results = format.parseToolCalls(response).map((call) => {
        try {
          if (call.args === undefined) throw new Error(call.error)
          const tool = loopTools.find(({ definition }) => definition.name === call.name)
          const result = tool?.handler(call.args, undefined as never)
          return { call, outcome: { ok: true as const, result } }
        } catch (error) {
          const { message } = error as Error
          return {
            call,
            outcome: { ok: false as const, error: { code: 'tool_error' as const, message, retryable: false } },
          }
        }
      })
      return format.toResultMessages(results)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** The whole way: client, server, toolkit and back. */
async function createClientRunner(protocol: 'ws' | 'http'): Promise<OwnedRunner> {
  const server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'loop' })
  for (const { definition, handler } of loopTools) toolkit.registerTool(definition, handler)
  await toolkit.start()
  const client = server.llm({ protocol })
  return {
    context: (provider) => client.getToolkitContext({ toolkitId: 'loop', provider }),
    run: (provider, response) => client.callTool({ toolkitId: 'loop', provider, toolCalls: response }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
