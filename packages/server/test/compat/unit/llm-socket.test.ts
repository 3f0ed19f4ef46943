import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/limits.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, connectLegacy, type LegacySocket, registration, serveTools } from './legacy-peers.ts'

let server: TestServer
let toolkit: LegacySocket

beforeAll(async () => {
  server = await startTestServer()
  const key = server.keys.toolkitKey
  for (const [tool, metadata] of [
    ['add', { params: ['a', 'b', 'auth_token'], required_params: ['a', 'b'] }],
    ['whoami', { auth_type: 'OAuth2', params: ['auth_token'] }],
    ['fail', {}],
  ] as const) {
    await ask(`${server.url}/api/v1/register_tool`, registration(key, 'Py Tools', tool, { metadata }))
  }
  toolkit = await serveTools(server.url, key, {
    add: ({ a, b }) => Number(a) + Number(b),
    whoami: (_params, token) => token,
    fail: () => {
      throw new Error('it broke')
    },
  })
})

afterAll(async () => {
  await toolkit[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function authenticated(): Promise<LegacySocket> {
  const socket = await connectLegacy(server.url, '/ws/v1/atp/llm-client')
  socket.send({ type: 'auth', api_key: server.keys.llmKey })
  await socket.next(({ type }) => type === 'auth_response')
  return socket
}

/** Sends a message under a new id, and gives the answer to it. */
let ids = 0
async function exchange(socket: LegacySocket, message: Record<string, unknown>): Promise<Record<string, unknown>> {
  ids += 1
  const request_id = `r${ids}`
  socket.send({ request_id, ...message })
  return socket.next((answer) => answer.request_id === request_id)
}

describe('auth', () => {
  it.each([
    ['the address alone', (key: string) => `/ws/v1/atp/llm-client/${key}/`, false],
    ['auth alone', () => '/ws/v1/atp/llm-client', true],
    ['auth alone, with a final slash', () => '/ws/v1/atp/llm-client/', true],
    ['both', (key: string) => `/ws/v1/atp/llm-client/${key}/`, true],
    ['an address of the server alone', (key: string) => `/${key}/`, false],
  ])('takes the key of %s', async (_where, path, inAuth) => {
    await using socket = await connectLegacy(server.url, path(server.keys.llmKey))
    socket.send({ type: 'auth', ...(inAuth ? { api_key: server.keys.llmKey } : { api_key: '' }) })
    expect(await socket.next(() => true)).toEqual({ type: 'auth_response', success: true })
  })

  it.concurrent.each([
    ['a wrong key', { type: 'auth', api_key: 'atp_llm_wrong' }],
    ['a key of another kind', 'toolkit'],
    ['no key', { type: 'auth' }],
    ['another message first', { type: 'task_request', request_id: 'early' }],
    ['no JSON', '{"type": "auth"'],
  ])('refuses %s in words, late, and closes', async (_what, first) => {
    await using socket = await connectLegacy(server.url, '/ws/v1/atp/llm-client')
    const start = performance.now()
    socket.send(first === 'toolkit' ? { type: 'auth', api_key: server.keys.toolkitKey } : first)
    expect(await socket.next(() => true)).toEqual({ type: 'auth_response', success: false, error: expect.any(String) })
    expect(await socket.closed).toBe(4401)
    expect(performance.now() - start).toBeGreaterThan(900)
    expect(socket.messages).toHaveLength(1)
  })

  // Rule T4. Less than the ten seconds after which its client gives up (atp-wire.md section 4).
  it('that does not come in time is refused in words, while its client still waits', { timeout: 9_000 }, async () => {
    await using impatient = await startTestServer({ limits: { helloTimeoutMs: 50, refusalDelayMs: 50 } })
    await using socket = await connectLegacy(impatient.url, '/ws/v1/atp/llm-client')
    expect(await socket.next(() => true)).toMatchObject({ type: 'auth_response', success: false })
    expect(await socket.closed).toBe(4401)
    expect(defaultLimits.helloTimeoutMs + defaultLimits.refusalDelayMs).toBeLessThan(10_000)
  })

  it('is not said twice', async () => {
    await using socket = await authenticated()
    socket.messages.length = 0
    socket.send({ type: 'auth', api_key: 'another' })
    expect(await socket.next(() => true)).toMatchObject({ type: 'auth_response', success: false })
    expect((await exchange(socket, { type: 'get_toolkit_context', toolkit_id: 'Py Tools' })).type).toBe(
      'toolkit_context',
    )
  })

  it('has no address in the place of a key', async () => {
    await expect(connectLegacy(server.url, '/ws/v1/atp/llm-client/a/b/')).rejects.toMatchObject({ status: 404 })
    await expect(connectLegacy(server.url, `/${server.keys.toolkitKey}/`)).rejects.toMatchObject({ status: 404 })
  })
})

describe('get_toolkit_context', () => {
  it('is answered with exactly the founding members, and tools without the token', async () => {
    await using socket = await authenticated()
    const message = {
      type: 'get_toolkit_context',
      toolkit_id: 'Py Tools',
      provider: 'Anthropic',
      user_prompt: 'sum up',
    }
    const answer = await exchange(socket, message)
    expect(answer).toEqual({
      type: 'toolkit_context',
      request_id: expect.any(String),
      payload: {
        toolkit_id: expect.any(String),
        toolkit_name: 'Py Tools',
        caption: '',
        provider: 'Anthropic',
        tools: expect.any(Array),
        user_prompt: 'sum up',
      },
    })
    const { tools, toolkit_id } = answer.payload as { tools: unknown[]; toolkit_id: string }
    expect(tools[0]).toEqual({
      name: 'add',
      description: 'Does add',
      input_schema: {
        type: 'object',
        properties: { a: { type: 'string', description: 'a' }, b: { type: 'string', description: 'b' } },
        required: ['a', 'b'],
      },
    })
    expect(tools[2]).toMatchObject({ input_schema: { properties: {}, required: [] } })
    expect(JSON.stringify(answer)).not.toContain('SOURCE')
    // The id that contexts return is accepted in calls.
    const call = { type: 'task_request', toolkit_id, payload: { function: 'add', parameters: { a: 1, b: 2 } } }
    expect(await exchange(socket, call)).toMatchObject({ payload: { result: 3 } })
  })

  it('has a text for the versions that name no provider', async () => {
    await using socket = await authenticated()
    const { payload } = await exchange(socket, { type: 'get_toolkit_context', toolkit_id: 'py-tools' })
    const { context } = payload as { context: string }
    expect(context).toContain('Py Tools')
    expect(context).toContain('- add(a, b): Does add')
    expect(context).toContain('{"function": "<name>", "parameters"')
  })

  it.each([
    ['an unknown toolkit', { toolkit_id: 'nobody', provider: 'openai' }],
    ['an unknown provider', { toolkit_id: 'Py Tools', provider: 'nonsense' }],
    ['a toolkit_id that is none', { toolkit_id: 5, provider: 'openai' }],
  ])('of %s has no tools and says why', async (_what, message) => {
    await using socket = await authenticated()
    expect(await exchange(socket, { type: 'get_toolkit_context', ...message })).toEqual({
      type: 'toolkit_context',
      request_id: expect.any(String),
      payload: { error: expect.any(String), tools: [] },
    })
  })
})

describe('task_request', () => {
  const task = (socket: LegacySocket, payload: unknown, more: Record<string, unknown> = {}) =>
    exchange(socket, { type: 'task_request', toolkit_id: 'Py Tools', payload, ...more })

  it('is answered for both generations at once', async () => {
    await using socket = await authenticated()
    expect(await task(socket, '{"function": "add", "parameters": {"a": 1, "b": 2}}')).toEqual({
      type: 'task_response',
      request_id: expect.any(String),
      status: 'success',
      payload: { result: 3 },
      result: { tool: { name: 'add', result: 3 } },
    })
  })

  it.each([
    ['what is missing', { function: 'add', parameters: { b: 1 } }, 'Missing required parameters: a'],
    [
      'a token that is missing',
      { function: 'whoami' },
      "Function 'whoami' requires 'auth_token', but none was provided.",
    ],
    ['what the tool raised', { function: 'fail' }, 'it broke'],
    ['an unknown tool', { function: 'nothing' }, expect.stringContaining('nothing')],
    ['arguments that cannot be read', { function: 'add', arguments: '{"a"' }, expect.any(String)],
    ['a payload that is none', 5, expect.any(String)],
  ])('has as result %s', async (_what, payload, error) => {
    await using socket = await authenticated()
    const name = typeof payload === 'object' ? payload.function : 'unknown'
    expect(await task(socket, payload)).toEqual({
      type: 'task_response',
      request_id: expect.any(String),
      status: 'success',
      payload: { result: { error } },
      result: { tool: { name, result: { error } } },
    })
  })

  it('has as result that the toolkit is unknown', async () => {
    await using socket = await authenticated()
    const answer = await task(socket, { function: 'add' }, { toolkit_id: 'nobody' })
    expect(answer).toMatchObject({ result: { tool: { name: 'add', result: { error: expect.any(String) } } } })
  })

  it('takes the token from either place', async () => {
    await using socket = await authenticated()
    expect(await task(socket, { function: 'whoami', auth_token: 'in' })).toMatchObject({ payload: { result: 'in' } })
    expect(await task(socket, { function: 'whoami' }, { auth_token: 'out' })).toMatchObject({
      payload: { result: 'out' },
    })
  })

  it('is answered under its id whatever else cannot be read', async () => {
    await using socket = await authenticated()
    socket.send('{"type": "task_request", "request_id": "nan", "payload": {"x": NaN}}')
    expect(await socket.next(({ request_id }) => request_id === 'nan')).toMatchObject({ type: 'task_response' })
    socket.send(`{"type": "get_toolkit_context", "request_id": "deep", "x": ${'['.repeat(80)}${']'.repeat(80)}}`)
    expect(await socket.next(({ request_id }) => request_id === 'deep')).toMatchObject({ type: 'toolkit_context' })
    expect(await exchange(socket, { type: 'nonsense' })).toMatchObject({ type: 'error' })
  })

  it('may have a megabyte of parameters', async () => {
    await using socket = await authenticated()
    const answer = await task(socket, { function: 'add', parameters: { a: 1, b: 2, c: 'x'.repeat(1_048_576) } })
    expect(answer).toMatchObject({ payload: { result: 3 } })
  })

  it('is cancelled when its caller goes', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'slow' })
    await ask(`${server.url}/api/v1/register_tool`, registration(key, 'slow', 'wait'))
    await using slow = await connectLegacy(server.url, `/ws/v1/atp/${key}/`)
    const socket = await authenticated()
    socket.send({ type: 'task_request', request_id: 'w', toolkit_id: 'slow', payload: { function: 'wait' } })
    await slow.next(({ message_type }) => message_type === 'atp_tool_request')
    await socket[Symbol.asyncDispose]()
    const authorization = `Bearer ${server.keys.adminKey}`
    const calls = async () =>
      (await ask(`${server.url}/api/v2/calls?toolkit=slow`, undefined, { authorization })).body.calls
    await expect.poll(calls).toMatchObject([{ status: 'cancelled' }])
  })
})
