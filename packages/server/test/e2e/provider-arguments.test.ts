import type { JsonObject } from '@atp/core'
import { expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const search = {
  type: 'object',
  properties: {
    $filter: { type: 'string' },
    limit: { type: 'integer', default: 20 },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
  },
  required: ['$filter'],
}
const lookUp = {
  type: 'object',
  oneOf: [
    { properties: { id: { type: 'integer' } }, required: ['id'], additionalProperties: false },
    { properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false },
  ],
}

/** A toolkit whose tools answer with their arguments as they got them. */
async function startEcho(server: TestServer): Promise<void> {
  const toolkit = await server.toolkit({ appName: 'echo' })
  for (const [name, params] of [
    ['search', search],
    ['look_up', lookUp],
  ] as const) {
    toolkit.registerTool({ name, description: 'Echoes', params }, (args) => args)
  }
  const impossible = { type: 'object', properties: { a: false }, required: ['a'] }
  toolkit.registerTool({ name: 'impossible', description: 'Fits nothing', params: impossible }, () => null)
  await toolkit.start()
}

it('tells a model of tools in the form of its provider, and says which it leaves out', async () => {
  await using server = await startTestServer()
  await startEcho(server)
  const { tools, warnings } = await server.llm().getToolkitContext({ toolkitId: 'echo', provider: 'openai-strict' })
  expect(tools).toMatchObject([
    {
      name: 'search',
      strict: true,
      parameters: { required: ['$filter', 'limit', 'labels'], additionalProperties: false },
    },
    { name: 'look_up', strict: true, parameters: { required: ['input'] } },
  ])
  expect(warnings).toEqual([
    {
      tool: 'impossible',
      provider: 'openai-strict',
      code: 'unsatisfiable',
      message: expect.stringMatching(/^Left out: /),
    },
  ])
})

it.each(['ws', 'http'] as const)(
  'gives handlers what they declared, however the model had to write it, over %s',
  async (protocol) => {
    await using server = await startTestServer()
    await startEcho(server)
    const llm = server.llm({ protocol })
    const call = (name: string, args: JsonObject) => ({
      type: 'function_call',
      call_id: name,
      name,
      arguments: JSON.stringify(args),
    })
    const strict = await llm.callTool({
      toolkitId: 'echo',
      provider: 'openai-strict',
      toolCalls: [
        call('search', { $filter: 'a', limit: null, labels: [{ key: 'k', value: 'v' }] }),
        call('look_up', { input: { id: 5 } }),
        call('look_up', { input: { id: '5' } }),
      ],
    })
    expect(strict).toMatchObject([
      { call_id: 'search', output: '{"$filter":"a","limit":20,"labels":{"k":"v"}}' },
      { call_id: 'look_up', output: '{"id":5}' },
      { call_id: 'look_up', output: expect.stringMatching(/^\{"error":"Invalid parameters/) },
    ])
  },
)

it('maps names of properties back that Anthropic does not take', async () => {
  await using server = await startTestServer()
  await startEcho(server)
  const llm = server.llm()
  const { tools } = await llm.getToolkitContext({ toolkitId: 'echo', provider: 'anthropic' })
  const [filter] = (tools[0] as { input_schema: { required: string[] } }).input_schema.required
  const toolCalls = [{ type: 'tool_use', id: 't1', name: 'search', input: { [String(filter)]: 'a' } }]
  const [message] = await llm.callTool({ toolkitId: 'echo', provider: 'anthropic', toolCalls })
  expect(message).toMatchObject({ content: [{ tool_use_id: 't1', content: '{"$filter":"a"}' }] })
})

it("takes arguments in the tool's own form, and in a box, from callers that name no provider", async () => {
  await using server = await startTestServer()
  await startEcho(server)
  const llm = server.llm()
  await expect(llm.call({ toolkitId: 'echo', tool: 'look_up', params: { name: 'x' } })).resolves.toEqual({ name: 'x' })
  await expect(llm.call({ toolkitId: 'echo', tool: 'look_up', params: { input: { name: 'x' } } })).resolves.toEqual({
    name: 'x',
  })
  await expect(llm.call({ toolkitId: 'echo', tool: 'search', params: { $filter: 'x', limit: 1 } })).resolves.toEqual({
    $filter: 'x',
    limit: 1,
  })
})
