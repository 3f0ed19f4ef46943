import { providerFormat } from '@atp/core/protocol'
import { describe, expect, test } from 'vitest'
import { type EndpointProvider, type ProviderEndpoint, startProviderEndpoint } from './provider-endpoint.ts'

// The imitations are only worth something when they refuse what the real APIs refuse.

type Json = Record<string, unknown>
type Messages = Json[]

interface Sample {
  path: string
  /** A request that is fine as it is. */
  request(messages: Messages, tools: Json[]): Json
  /** The assistant's turn, as it goes back into the conversation. */
  turn(answer: Json): Messages
  /** The status for members out of place. */
  shapeStatus: number
  error: Json
}

const openaiError = {
  error: { message: expect.any(String), type: 'invalid_request_error', param: expect.any(String), code: null },
}
const messageOf = (answer: Json): Json => (answer.choices as { message: Json }[])[0]?.message ?? {}
const samples: Record<EndpointProvider, Sample> = {
  openai: {
    path: '/v1/responses',
    request: (input, tools) => ({ model: 'm', input, tools }),
    turn: (answer) => answer.output as Messages,
    shapeStatus: 400,
    error: openaiError,
  },
  'openai-chat': {
    path: '/v1/chat/completions',
    request: (messages, tools) => ({ model: 'm', messages, tools }),
    turn: (answer) => [messageOf(answer)],
    shapeStatus: 400,
    error: openaiError,
  },
  anthropic: {
    path: '/v1/messages',
    request: (messages, tools) => ({ model: 'm', max_tokens: 10, messages, tools }),
    turn: (answer) => [{ role: 'assistant', content: answer.content }],
    shapeStatus: 400,
    error: {
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.any(String) },
      request_id: expect.stringMatching(/^req_/),
    },
  },
  mistralai: {
    path: '/v1/chat/completions',
    request: (messages, tools) => ({ model: 'm', messages, tools }),
    turn: (answer) => [messageOf(answer)],
    shapeStatus: 422,
    error: { object: 'error', message: expect.anything(), type: 'invalid_request_error', param: null },
  },
}

const inputSchema = { type: 'object', properties: {}, required: [] }
const described = { name: 'now', description: '', inputSchema, auth: null, annotations: {}, tags: [] }
const user = { role: 'user', content: 'Hi' }
const headers = { authorization: 'Bearer k', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }

describe.each(Object.keys(samples) as EndpointProvider[])('the imitation of %s', (provider) => {
  const sample = samples[provider]
  const format = providerFormat(provider)
  const tools = format.toTools([described]).tools

  async function post(endpoint: ProviderEndpoint, body: unknown): Promise<{ status: number; body: Json }> {
    const response = await fetch(endpoint.url + sample.path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Json }
  }

  const start = (): Promise<ProviderEndpoint> =>
    startProviderEndpoint(provider, [
      { name: 'now', args: {} },
      { name: 'now', args: {} },
    ])

  const badTools: [string, (tool: Json) => unknown][] = [
    ['a tool with a member it does not know', (tool) => ({ ...tool, extra: 1 })],
    ['a tool without a name', (tool) => JSON.parse(JSON.stringify(tool).replace('"name":"now",', ''))],
    ['a tool name with a space', (tool) => JSON.parse(JSON.stringify(tool).replace('"now"', '"now then"'))],
    [
      'a tool name of 65 characters',
      (tool) => JSON.parse(JSON.stringify(tool).replace('"now"', `"${'n'.repeat(65)}"`)),
    ],
    ['a schema that is no object', (tool) => JSON.parse(JSON.stringify(tool).replace('"object"', '"string"'))],
    [
      'a schema with a union at the root',
      (tool) => JSON.parse(JSON.stringify(tool).replace('"properties":{}', '"properties":{},"anyOf":[]')),
    ],
  ]
  test.each(badTools)('refuses %s', async (_what, spoil) => {
    await using endpoint = await start()
    const answer = await post(endpoint, sample.request([user], [spoil(tools[0] ?? {}) as Json]))
    expect([400, sample.shapeStatus]).toContain(answer.status)
    expect(Object.keys(answer.body)).toEqual(expect.arrayContaining(Object.keys(sample.error)))
  })

  test('refuses a request without tools, and tools of other providers', async () => {
    await using endpoint = await start()
    expect((await post(endpoint, sample.request([user], []))).status).toBe(sample.shapeStatus)
    const others = (['openai', 'openai-chat', 'anthropic'] as const)
      .map((other) => providerFormat(other).toTools([described]).tools)
      .filter((other) => JSON.stringify(other) !== JSON.stringify(tools))
    for (const other of others)
      expect((await post(endpoint, sample.request([user], other))).status).toBe(sample.shapeStatus)
  })

  test('refuses a request without a key', async () => {
    await using endpoint = await start()
    const response = await fetch(endpoint.url + sample.path, { method: 'POST', body: '{}' })
    expect(response.status).toBe(401)
  })

  /** Turns the good results of both calls into bad ones. */
  const badResults: [string, (results: Messages) => unknown][] = [
    ['no results at all', () => []],
    ['the result of one call missing', (results) => dropLast(results)],
    ['a result with the id of no call', (results) => changeLastId(results)],
    ['two results for one call', (results) => repeatLast(results)],
  ]
  test.each(badResults)('refuses %s', async (_what, spoil) => {
    await using endpoint = await start()
    const { turn, results } = await firstStep(endpoint)
    const good = await post(endpoint, sample.request([user, ...turn, ...results], tools))
    expect(good.status).toBe(200)
    expect(JSON.stringify(good.body)).toContain('The tools said: 1 | 1')
    const answer = await post(endpoint, sample.request([user, ...turn, ...(spoil(results) as Messages)], tools))
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject(sample.error)
  })

  test('refuses results without the turn that asked for them', async () => {
    await using endpoint = await start()
    const { results } = await firstStep(endpoint)
    expect((await post(endpoint, sample.request([user, ...results], tools))).status).toBe(400)
  })

  async function firstStep(endpoint: ProviderEndpoint): Promise<{ turn: Messages; results: Messages }> {
    const first = await post(endpoint, sample.request([user], tools))
    expect(first.status).toBe(200)
    const calls = format.parseToolCalls(first.body)
    expect(calls).toHaveLength(2)
    const results = format.toResultMessages(calls.map((call) => ({ call, outcome: { ok: true, result: 1 } })))
    return { turn: sample.turn(first.body), results }
  }
})

/** Anthropic's results are blocks of one message, the others' are messages. */
function changeResults(results: Messages, change: (list: Json[]) => Json[]): Messages {
  const [message] = results
  return Array.isArray(message?.content)
    ? [{ ...message, content: change(message.content as Json[]) }]
    : change(results)
}

function dropLast(results: Messages): Messages {
  return changeResults(results, (list) => list.slice(0, -1))
}

function repeatLast(results: Messages): Messages {
  return changeResults(results, (list) => [...list, ...list.slice(-1)])
}

function changeLastId(results: Messages): Messages {
  return changeResults(results, (list) => {
    const last = { ...list.at(-1) }
    const id = ['call_id', 'tool_call_id', 'tool_use_id'].find((name) => name in last) ?? ''
    return [...list.slice(0, -1), { ...last, [id]: 'Elsewhere' }]
  })
}
