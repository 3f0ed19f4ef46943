import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient } from '../../src/clients/llm-client.ts'
import type { AtpError } from '../../src/errors/atp-error.ts'
import { Mailbox } from '../transport/mailbox.ts'

/** A request as the injected fetch got it, and how the test answers it. */
interface Asked {
  url: string
  headers: Record<string, string>
  body: Record<string, unknown>
  signal: AbortSignal
  answer(status: number, body: unknown): void
  fail(error: unknown): void
}

let asked: Mailbox<Asked>
let client: LLMClient
let timeouts: { ms: number; controller: AbortController }[]

beforeEach(() => {
  asked = new Mailbox()
  timeouts = []
  // Its timer is not one that fake timers replace.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController()
    timeouts.push({ ms, controller })
    return controller.signal
  })
  client = new LLMClient({ apiKey: 'atp_llm_key', baseUrl: 'ws://server/proxy', protocol: 'http', fetch: fakeFetch })
})
afterEach(async () => {
  await client.close()
  vi.restoreAllMocks()
})

const fakeFetch: typeof fetch = (url, init) =>
  new Promise((resolve, reject) => {
    const signal = init?.signal as AbortSignal
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
    asked.push({
      url: String(url),
      headers: init?.headers as Record<string, string>,
      body: JSON.parse(String(init?.body)) as Record<string, unknown>,
      signal,
      answer: (status, body) =>
        resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })),
      fail: reject,
    })
  })

const taskResponse = (result: unknown, error?: object) => ({
  type: 'task_response',
  request_id: 'r1',
  status: 'success',
  payload: { result },
  result: { tool: { name: 'f', result } },
  ...(error && { error }),
})

const call = (more: object = {}) => client.call({ toolkitId: 'demo', tool: 'f', params: { n: 1 }, ...more })

describe('calls over HTTP', () => {
  it('go to the founding route with the key in the header, and nowhere else', async () => {
    const calling = call({ authToken: 'user-token', timeoutMs: 5_000 })
    const { url, headers, body, answer } = await asked.next()
    expect(url).toBe('http://server/proxy/api/v1/atp/llm-client/process/')
    expect(headers).toMatchObject({ authorization: 'Bearer atp_llm_key', 'content-type': 'application/json' })
    expect(body).toEqual({
      type: 'task_request',
      request_id: expect.any(String),
      toolkit_id: 'demo',
      payload: { function: 'f', parameters: { n: 1 }, auth_token: 'user-token' },
      timeout_ms: 5_000,
    })
    expect(JSON.stringify(body)).not.toContain('atp_llm_key')
    answer(200, taskResponse({ ok: [1, 2] }))
    await expect(calling).resolves.toEqual({ ok: [1, 2] })
  })

  it('are one request each, at the same time', async () => {
    const toolCalls = ['a', 'b'].map((id) => ({ type: 'tool_use', id, name: id, input: {} }))
    const calling = client.callTool({ toolkitId: 'demo', provider: 'anthropic', toolCalls, userPrompt: 'hi' })
    const [first, second] = [await asked.next(), await asked.next()]
    expect(first.body.request_id).not.toBe(second.body.request_id)
    expect(first.body).toMatchObject({ provider: 'anthropic', user_prompt: 'hi' })
    second.answer(200, taskResponse(2))
    first.answer(200, taskResponse(1))
    await expect(calling).resolves.toMatchObject([{ content: [{ content: '1' }, { content: '2' }] }])
  })

  it('wait five seconds longer than the server may take, ten minutes without a word', async () => {
    const calling = [call({ timeoutMs: 5_000 }), call()]
    for (let index = 0; index < 2; index += 1) (await asked.next()).answer(200, taskResponse(1))
    await Promise.all(calling)
    expect(timeouts.map(({ ms }) => ms)).toEqual([10_000, 605_000])
  })

  it('are rejected with what the call failed with', async () => {
    const calling = call()
    const error = { code: 'toolkit_offline', message: 'Toolkit "demo" is not connected', retryable: true }
    ;(await asked.next()).answer(200, taskResponse({ error: error.message }, error))
    await expect(calling).rejects.toMatchObject(error)
  })

  it('fail where an older server, which knows no typed errors, says so in its result', async () => {
    const calling = call()
    ;(await asked.next()).answer(200, taskResponse({ error: 'no such file' }))
    await expect(calling).rejects.toMatchObject({ code: 'tool_error', message: 'no such file' })
  })

  it('return a result that looks like a failure when the server says that it is none', async () => {
    const calling = call()
    ;(await asked.next()).answer(200, { ...taskResponse({ error: 'of yesterday' }), error: null })
    await expect(calling).resolves.toEqual({ error: 'of yesterday' })
  })

  it('read results of many members', async () => {
    const calling = call()
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id }))
    ;(await asked.next()).answer(200, taskResponse(rows))
    await expect(calling).resolves.toHaveLength(20_000)
  })

  it('read results as deep as any', async () => {
    const calling = call()
    const deep = Array.from({ length: 63 }).reduce<unknown>((inner) => [inner], [])
    ;(await asked.next()).answer(200, taskResponse(deep))
    await expect(calling).resolves.toEqual(deep)
  })

  it('whose arguments are not JSON are rejected before anything is sent', async () => {
    await expect(call({ params: { n: 1n } })).rejects.toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining('Tool "f"'),
    })
    expect(asked.all).toHaveLength(0)
  })
})

describe('contexts over HTTP', () => {
  it('are asked for and read', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo', provider: 'mistral', userPrompt: 'hi' })
    const { body, answer } = await asked.next()
    expect(body).toEqual({
      type: 'get_toolkit_context',
      request_id: expect.any(String),
      toolkit_id: 'demo',
      provider: 'mistralai',
      user_prompt: 'hi',
    })
    answer(200, { type: 'toolkit_context', request_id: 'r1', payload: { toolkit_id: 't1', tools: [{ name: 'f' }] } })
    await expect(asking).resolves.toMatchObject({ toolkitId: 't1', tools: [{ name: 'f' }], warnings: [] })
    expect(timeouts[0]?.ms).toBe(30_000)
  })

  it('of an unknown toolkit are rejected with what the server says', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'nothing' })
    ;(await asked.next()).answer(404, { error: 'There is no toolkit "nothing"', code: 'toolkit_not_found' })
    await expect(asking).rejects.toMatchObject({
      code: 'toolkit_not_found',
      message: 'There is no toolkit "nothing"',
      details: { status: 404 },
    })
  })

  it('of a toolkit that a founding server does not know are rejected with the same code', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'nothing' })
    ;(await asked.next()).answer(404, { error: "There is no toolkit 'nothing'" })
    await expect(asking).rejects.toMatchObject({ code: 'toolkit_not_found', details: { status: 404 } })
  })

  it('say for tools of Responses that they are not strict, where a founding server says nothing', async () => {
    const asking = client.getToolkitContext({ toolkitId: 'demo' })
    const tools = [
      { type: 'function', name: 'f' },
      { type: 'function', name: 'g', strict: true },
    ]
    const payload = { toolkit_id: 't1', tools }
    ;(await asked.next()).answer(200, { type: 'toolkit_context', request_id: 'r1', payload })
    await expect(asking).resolves.toMatchObject({ tools: [{ strict: false }, { strict: true }] })
  })
})

describe('an answer that is none', () => {
  it.each([
    [401, { error: 'This key is unknown', code: 'unauthorized' }, 'unauthorized', /^This key is unknown$/],
    [401, '<html>', 'unauthorized', /process\/ answered 401/],
    [403, '', 'forbidden', /answered 403/],
    [413, '', 'payload_too_large', /answered 413/],
    [429, '', 'rate_limited', /answered 429/],
    [404, 'Not Found', 'protocol_error', /answered 404/],
    [307, '', 'protocol_error', /answered 307: it redirects, so give the address/],
    [500, { error: 'Internal error', code: 'internal_error' }, 'internal_error', /^Internal error$/],
    [502, '<html>Bad Gateway</html>', 'connection_failed', /answered 502/],
    [503, { error: 'The server restarts', code: 'server_shutting_down' }, 'server_shutting_down', /restarts/],
    [400, { error: 5, code: 'a code of a newer server' }, 'protocol_error', /answered 400/],
    [404, { status: 404, code: 'not_found', detail: 'There is no such call' }, 'not_found', /^There is no such call$/],
    [404, { detail: 'Not found.' }, 'protocol_error', /answered 404/],
  ])('(%i %j) is %s', async (status, body, code, message) => {
    const calling = call()
    ;(await asked.next()).answer(status, body)
    await expect(calling).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it.each(['', '<html>', '{"type":', 'null', '[]', '{}', '{"type":"task_response","request_id":"r1"}'])(
    'of 200 with %j is a protocol_error that names the address, and never a result',
    async (body) => {
      const calling = call()
      ;(await asked.next()).answer(200, body)
      await expect(calling).rejects.toMatchObject({
        code: 'protocol_error',
        message: expect.stringContaining('http://server/proxy/api/v1/atp/llm-client/process/'),
      })
    },
  )

  it('says how long to wait, in seconds or as a date', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) })
    const limited = async (retryAfter: string): Promise<unknown> => {
      const response = new Response('', { status: 429, headers: { 'retry-after': retryAfter } })
      const limitedClient = new LLMClient({ apiKey: 'k', protocol: 'http', fetch: async () => response })
      return limitedClient.call({ toolkitId: 'demo', tool: 'f' }).catch((error: AtpError) => error.details)
    }
    await expect(limited('7')).resolves.toEqual({ status: 429, retryAfterMs: 7_000 })
    await expect(limited('Thu, 01 Jan 2026 00:00:05 GMT')).resolves.toEqual({ status: 429, retryAfterMs: 5_000 })
    await expect(limited('soon')).resolves.toEqual({ status: 429 })
    await expect(limited('99999999')).resolves.toEqual({ status: 429, retryAfterMs: 600_000 })
    vi.useRealTimers()
  })

  it('says why the server cannot be reached', async () => {
    const calling = call()
    ;(await asked.next()).fail(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }))
    await expect(calling).rejects.toMatchObject({
      code: 'connection_failed',
      message: expect.stringContaining('ECONNREFUSED'),
      retryable: true,
    })
  })

  it('throws from callTool when no model could help, and is a result when it could', async () => {
    const toolCalls = [{ type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }]
    const refused = client.callTool({ toolkitId: 'demo', toolCalls })
    ;(await asked.next()).answer(401, '')
    await expect(refused).rejects.toMatchObject({ code: 'unauthorized' })
    const slow = client.callTool({ toolkitId: 'demo', toolCalls })
    await asked.next()
    timeouts.at(-1)?.controller.abort()
    await expect(slow).resolves.toMatchObject([{ call_id: 'a', output: expect.stringContaining('did not answer') }])
  })
})

describe('the end of a request over HTTP', () => {
  it('comes with the time', async () => {
    const calling = call({ timeoutMs: 1_000 })
    await asked.next()
    timeouts[0]?.controller.abort()
    await expect(calling).rejects.toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('6000') })
  })

  it('comes with the signal of its caller, which ends the request', async () => {
    const abort = new AbortController()
    const [calling, other] = [call({ signal: abort.signal }), call()]
    const [first, second] = [await asked.next(), await asked.next()]
    abort.abort('the user left')
    await expect(calling).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining('the user left'),
    })
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
    second.answer(200, taskResponse(1))
    await expect(other).resolves.toBe(1)
  })

  it('comes with the end of the client; the next request is not affected', async () => {
    const calling = call()
    const { signal } = await asked.next()
    await client.close()
    await client.close()
    await expect(calling).rejects.toMatchObject({ code: 'client_stopped' })
    expect(signal.aborted).toBe(true)
    const next = call()
    ;(await asked.next()).answer(200, taskResponse(1))
    await expect(next).resolves.toBe(1)
  })

  it('comes while the body is read, too', async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"type":')),
    })
    const stuck: typeof fetch = async (_url, init) => {
      const response = new Response(body)
      const text = Promise.withResolvers<string>()
      init?.signal?.addEventListener('abort', () => text.reject(init.signal?.reason))
      return Object.defineProperty(response, 'text', { value: () => text.promise })
    }
    client = new LLMClient({ apiKey: 'atp_llm_key', protocol: 'http', fetch: stuck })
    const calling = call()
    await vi.waitFor(() => expect(timeouts).toHaveLength(1))
    await client.close()
    await expect(calling).rejects.toMatchObject({ code: 'client_stopped' })
  })
})
