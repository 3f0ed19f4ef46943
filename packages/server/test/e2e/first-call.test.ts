import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestServer } from '../support/test-server.ts'

it('brings a call from an LLM client to a toolkit and its result back', async () => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'greetings', caption: 'Says hello', instructions: 'Be kind.' })
  toolkit.registerTool(
    { name: 'greet', description: 'Greets somebody', params: z.object({ name: z.string() }) },
    ({ name }) => ({ message: `Hello, ${name}!` }),
  )
  await toolkit.start()
  const llm = server.llm()
  const context = await llm.getToolkitContext({ toolkitId: 'greetings', provider: 'openai', userPrompt: 'hi' })
  expect(context).toMatchObject({
    toolkitName: 'greetings',
    caption: 'Says hello',
    instructions: 'Be kind.',
    userPrompt: 'hi',
  })
  expect(context.tools).toMatchObject([{ type: 'function', name: 'greet', description: 'Greets somebody' }])
  const messages = await llm.callTool({
    toolkitId: context.toolkitId,
    toolCalls: [{ type: 'function_call', call_id: 'c1', name: 'greet', arguments: '{"name":"Ada"}' }],
  })
  expect(messages).toEqual([{ type: 'function_call_output', call_id: 'c1', output: '{"message":"Hello, Ada!"}' }])
})
