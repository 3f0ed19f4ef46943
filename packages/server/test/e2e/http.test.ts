import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestServer, type TestServer } from '../support/test-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'math', caption: 'Adds' })
  toolkit.registerTool(
    { name: 'add', description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => ({ sum: a + b }),
  )
  toolkit.registerTool({ name: 'fails', description: 'Fails', params: ['why'], requiredParams: ['why'] }, ({ why }) => {
    throw new Error(String(why))
  })
  await toolkit.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

function request(path: string, options: { key?: string; method?: string; body?: unknown; headers?: HeadersInit } = {}) {
  const { key, method = options.body === undefined ? 'GET' : 'POST', body, headers } = options
  return fetch(server.url + path, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

describe('POST /api/v1/atp/llm-client/process/', () => {
  const path = '/api/v1/atp/llm-client/process/'
  const task = (payload: object) => ({ type: 'task_request', request_id: 'r1', toolkit_id: 'math', payload })

  it('answers a call for both generations of Python clients at once', async () => {
    const answer = await request(path, {
      key: server.keys.llmKey,
      body: task({ function: 'add', parameters: { a: 1, b: 2 } }),
    })
    expect(answer.status).toBe(200)
    await expect(answer.json()).resolves.toEqual({
      type: 'task_response',
      request_id: 'r1',
      status: 'success',
      payload: { result: { sum: 3 } },
      result: { tool: { name: 'add', result: { sum: 3 } } },
    })
  })

  it('answers a failed call with 200 and the error as result, typed for our own client', async () => {
    const answer = await request(path, {
      key: server.keys.llmKey,
      body: task({ function: 'fails', parameters: {} }),
      headers: { accept: 'application/vnd.atp+json' },
    })
    expect(answer.status).toBe(200)
    await expect(answer.json()).resolves.toMatchObject({
      status: 'success',
      result: { tool: { name: 'fails', result: { error: 'Missing required parameters: why' } } },
      error: { code: 'missing_params', retryable: false },
    })
  })

  it('takes the key as "ApiKey" too, and the address without its final slash', async () => {
    const answer = await request(path.slice(0, -1), {
      headers: { authorization: `ApiKey ${server.keys.llmKey}` },
      body: {
        type: 'get_toolkit_context',
        request_id: 'r2',
        toolkit_id: 'math',
        provider: 'anthropic',
        user_prompt: 'x',
      },
    })
    await expect(answer.json()).resolves.toMatchObject({
      type: 'toolkit_context',
      request_id: 'r2',
      payload: {
        toolkit_name: 'math',
        caption: 'Adds',
        provider: 'anthropic',
        user_prompt: 'x',
        tools: [{ name: 'add' }, {}],
      },
    })
  })

  it('answers 404 with an empty context for an unknown toolkit', async () => {
    const body = {
      type: 'get_toolkit_context',
      request_id: 'r3',
      toolkit_id: 'nobody',
      provider: 'openai',
      user_prompt: '',
    }
    const answer = await request(path, { key: server.keys.llmKey, body })
    expect(answer.status).toBe(404)
    await expect(answer.json()).resolves.toMatchObject({
      payload: { error: 'There is no toolkit "nobody"', tools: [] },
    })
  })

  it.each([
    ['no key', {}, 401, 'unauthorized'],
    ['a key of another kind', { key: 'toolkitKey' as const }, 403, 'forbidden'],
    ['malformed JSON', { key: 'llmKey' as const, body: '{"type"' }, 400, 'invalid_json'],
    ['a __proto__ member', { key: 'llmKey' as const, body: '{"__proto__": {"a": 1}}' }, 400, 'invalid_json'],
    ['a list', { key: 'llmKey' as const, body: [] }, 400, 'invalid_request'],
    ['no type', { key: 'llmKey' as const, body: {} }, 400, 'invalid_request'],
    ['an empty body', { key: 'llmKey' as const, body: '' }, 400, 'invalid_request'],
    ['2 MiB', { key: 'llmKey' as const, body: { x: 'x'.repeat(2 * 1_048_576) } }, 413, 'payload_too_large'],
  ])(
    'refuses %s',
    async (_what, { key, body = {} }: { key?: 'llmKey' | 'toolkitKey'; body?: unknown }, status, code) => {
      const answer = await request(path, { ...(key && { key: server.keys[key] }), body })
      expect(answer.status).toBe(status)
      await expect(answer.json()).resolves.toMatchObject({
        code,
        error: expect.any(String),
        request_id: expect.any(String),
      })
    },
  )

  it('refuses other content types, other methods and other addresses', async () => {
    const key = server.keys.llmKey
    const form = await request(path, {
      key,
      body: 'a=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(form.status).toBe(415)
    expect((await request('/nowhere')).status).toBe(404)
    expect((await request('/api/v1/%2e%2e/%2f%00')).status).toBeLessThan(500)
  })

  it('refuses pages of foreign origins and names that are not loopback', async () => {
    const origin = await request(path, {
      key: server.keys.llmKey,
      body: {},
      headers: { origin: 'https://evil.example' },
    })
    expect(origin.status).toBe(403)
  })

  it('serves LLMClient with protocol http: results, typed errors, providers', async () => {
    const llm = server.llm({ protocol: 'http' })
    await expect(llm.call({ toolkitId: 'math', tool: 'add', params: { a: 2, b: 2 } })).resolves.toEqual({ sum: 4 })
    await expect(llm.call({ toolkitId: 'math', tool: 'fails', params: { why: 'bad luck' } })).rejects.toMatchObject({
      code: 'tool_error',
      message: 'bad luck',
    })
    await expect(llm.call({ toolkitId: 'nobody', tool: 'x' })).rejects.toMatchObject({ code: 'toolkit_not_found' })
    await expect(llm.getToolkitContext({ toolkitId: 'nobody' })).rejects.toMatchObject({ code: 'toolkit_not_found' })
    await expect(
      llm.callTool({
        toolkitId: 'math',
        provider: 'openai',
        jsonResponse: '{"function":"add","parameters":{"a":1,"b":1}}',
      }),
    ).resolves.toEqual({ result: { sum: 2 } })
    const wrong = server.llm({ protocol: 'http', apiKey: 'atp_llm_wrong' })
    await expect(wrong.call({ toolkitId: 'math', tool: 'add' })).rejects.toMatchObject({ code: 'unauthorized' })
  })
})

describe('the admin routes', () => {
  const admin = (path: string, options: Parameters<typeof request>[1] = {}) =>
    request(`/api/v2${path}`, { key: server.keys.adminKey, ...options })

  it('make, list and revoke keys; the key itself is shown once', async () => {
    const created = await admin('/keys', { body: { kind: 'llm', name: 'agent' } })
    expect(created.status).toBe(201)
    const { id, key, ...rest } = (await created.json()) as { id: string; key: string }
    expect(rest).toEqual({ kind: 'llm', name: 'agent' })
    const list = await (await admin('/keys')).text()
    expect(list).toContain(id)
    expect(list).not.toContain(key)
    expect((await admin(`/keys/${id}`, { method: 'DELETE' })).status).toBe(200)
    await expect(server.llm({ apiKey: key }).getToolkitContext({ toolkitId: 'math' })).rejects.toMatchObject({
      code: 'unauthorized',
    })
  })

  it('list toolkits with the number of connected processes, and their tools', async () => {
    await expect((await admin('/toolkits')).json()).resolves.toMatchObject({
      toolkits: [{ name: 'math', slug: 'math', connected: 1, tool_count: 2 }],
    })
    await expect((await admin('/toolkits/math/tools')).json()).resolves.toMatchObject({
      tools: [{ name: 'add', params: ['a', 'b'], required_params: ['a', 'b'], auth_type: null }, { name: 'fails' }],
    })
  })

  it('list calls, newest first, without params and results', async () => {
    await server.llm().call({ toolkitId: 'math', tool: 'add', params: { a: 777_777.25, b: 1 } })
    const answer = await admin('/calls?toolkit=math&limit=1')
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({
      calls: [{ toolkit: 'math', tool: 'add', status: 'succeeded', error_code: null }],
    })
    expect(text).not.toContain('777777.25')
  })

  it.each([
    ['an unknown id', '/keys/nobody', { method: 'DELETE' }, 404, 'not_found'],
    ['an unknown toolkit', '/toolkits/nobody', {}, 404, 'toolkit_not_found'],
    ['an unknown call', '/calls/nobody', {}, 404, 'not_found'],
    ['an unknown kind', '/keys', { body: { kind: 'master' } }, 400, 'invalid_request'],
    ['a member that is the server’s own', '/keys', { body: { kind: 'llm', project_id: 'x' } }, 400, 'invalid_request'],
    ['a limit out of range', '/calls?limit=501', {}, 400, 'invalid_request'],
  ])('answer %s as an RFC 9457 problem', async (_what, path, options, status, code) => {
    const answer = await admin(path, options)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    await expect(answer.json()).resolves.toMatchObject({
      status,
      code,
      detail: expect.any(String),
      type: expect.any(String),
    })
  })

  it('take admin keys only', async () => {
    expect((await request('/api/v2/keys')).status).toBe(401)
    expect((await request('/api/v2/keys', { key: server.keys.llmKey })).status).toBe(403)
  })
})

it('answers /healthz and /readyz', async () => {
  expect((await request('/healthz')).status).toBe(200)
  expect((await request('/readyz')).status).toBe(200)
})
