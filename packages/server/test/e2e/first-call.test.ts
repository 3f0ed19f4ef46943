import { expect, it } from 'vitest'
import { z } from 'zod'
import { describePostgres, emptySchema } from '../support/postgres.ts'
import { startTestServer } from '../support/test-server.ts'

it('brings a call from an LLM client to a toolkit and its result back', () => firstCall())

describePostgres('with PostgreSQL', () => {
  it('does so on a database, too, and keeps what it has to over a restart', async () => {
    const databaseUrl = emptySchema()
    await firstCall(databaseUrl)
    await using server = await startTestServer({ databaseUrl })
    const get = async (path: string): Promise<unknown> =>
      (await fetch(server.url + path, { headers: { authorization: `Bearer ${server.keys.adminKey}` } })).json()
    expect(await get('/api/v2/toolkits/greetings')).toMatchObject({ caption: 'Says hello', tools: [{ name: 'greet' }] })
    expect(await get('/api/v2/calls')).toMatchObject({ calls: [{ tool: 'greet', status: 'succeeded' }] })
  })
})

async function firstCall(databaseUrl?: string): Promise<void> {
  await using server = await startTestServer({ databaseUrl })
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
}
