import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, connectLegacy, type LegacySocket, registration, serveTools } from './legacy-peers.ts'

let server: TestServer
let names = 0

beforeAll(async () => {
  server = await startTestServer()
})

afterAll(() => server[Symbol.asyncDispose]())

/** A toolkit with a key of its own whose tools are registered; nobody is connected. */
async function registered(...tools: [name: string, metadata?: Record<string, unknown>][]) {
  names += 1
  const name = `toolkit-${names}`
  const { key } = await server.server.createKey({ kind: 'toolkit', name })
  for (const [tool, metadata = {}] of tools) {
    const { status } = await ask(`${server.url}/api/v1/register_tool`, registration(key, name, tool, { metadata }))
    expect(status).toBe(200)
  }
  return { name, key, path: `/ws/v1/atp/toolkit-client/${key}/` }
}

const isRequest = ({ message_type }: Record<string, unknown>): boolean => message_type === 'atp_tool_request'
const isGreeting = ({ message_type }: Record<string, unknown>): boolean => message_type === 'atp_client_connected'

function requestsOf(socket: LegacySocket): { request_id: string; tool_name: string; params: unknown }[] {
  return socket.messages.filter(isRequest).map(({ payload }) => payload as never)
}

async function greeted(path: string, autoPong = true): Promise<LegacySocket> {
  const socket = await connectLegacy(server.url, path, autoPong)
  await socket.next(isGreeting)
  return socket
}

describe('the socket of a Python toolkit', () => {
  it('is greeted once on both addresses, with and without the final slash', async () => {
    const { key } = await registered()
    for (const path of [
      `/ws/v1/atp/toolkit-client/${key}/`,
      `/ws/v1/atp/${key}`,
      `/ws/v1/atp/${key.replaceAll('_', '%5F')}/`,
    ]) {
      await using socket = await greeted(path)
      expect(socket.messages).toEqual([
        { message_type: 'atp_client_connected', payload: { message: expect.any(String) } },
      ])
    }
  })

  it.each([
    ['a wrong key', '/ws/v1/atp/toolkit-client/wrong/', 401],
    ['no key', '/ws/v1/atp/toolkit-client/', 404],
    ['a broken escape', '/ws/v1/atp/toolkit-client/%zz/', 404],
  ])('is refused in the handshake with %s', async (_what, path, status) => {
    await expect(connectLegacy(server.url, path)).rejects.toMatchObject({ status })
  })

  it('waits with a key that stands for nothing, and serves once it is bound', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit' })
    await using _process = await serveTools(server.url, key, { hello: () => 'world' })
    await ask(`${server.url}/api/v1/register_tool`, registration(key, 'bound late', 'hello'))
    expect(await server.llm().call({ toolkitId: 'bound late', tool: 'hello' })).toBe('world')
  })

  it('gets an object of params, and a token only for tools with an auth_type', async () => {
    const { name, path } = await registered(['plain'], ['secret', { auth_type: 'OAuth2' }])
    await using socket = await greeted(path)
    const llm = server.llm()
    for (const tool of ['plain', 'secret']) {
      socket.messages.length = 0
      const call = llm.call({ toolkitId: name, tool, authToken: 'token' })
      const { payload } = (await socket.next(isRequest)) as { payload: Record<string, unknown> }
      expect(payload).toEqual({
        request_id: expect.any(String),
        tool_name: tool,
        params: {},
        ...(tool === 'secret' ? { auth_token: 'token' } : {}),
      })
      socket.send({ type: 'tool_response', request_id: payload.request_id, result: 1 })
      await call
    }
  })

  it.each([0, '', false, null, [], {}, { error: 5 }, { error: 'e', more: 1 }, 'größer \u2028'])(
    'may answer with any JSON, such as %j',
    async (result) => {
      const { name, key } = await registered(['tool'])
      await using _process = await serveTools(server.url, key, { tool: () => result })
      expect(await server.llm().call({ toolkitId: name, tool: 'tool' })).toEqual(result)
    },
  )

  it('fails a call with exactly {"error": text}, for every caller', async () => {
    const { name, key } = await registered(['tool'])
    let text = 'boom'
    await using _process = await serveTools(server.url, key, { tool: () => ({ error: text }) })
    for (text of ['boom', '']) {
      for (const protocol of ['ws', 'http'] as const) {
        const call = server.llm({ protocol }).call({ toolkitId: name, tool: 'tool' })
        await expect(call).rejects.toMatchObject({ code: 'tool_error', message: text })
      }
    }
  })

  it('ends a call whose answer is no JSON, has no result, or is too large', async () => {
    const { name, path } = await registered(['tool'])
    await using socket = await greeted(path)
    const llm = server.llm()
    const answers: [string, unknown][] = [
      ['{"type": "tool_response", "request_id": "ID", "result": NaN}', { code: 'invalid_result' }],
      [
        `{"type": "tool_response", "request_id": "ID", "result": "${'x'.repeat(1_100_000)}"}`,
        { code: 'result_too_large' },
      ],
      ['{"type": "tool_response", "request_id": "ID"}', undefined],
    ]
    for (const [text, error] of answers) {
      socket.messages.length = 0
      const call = llm.call({ toolkitId: name, tool: 'tool' })
      const { payload } = (await socket.next(isRequest)) as { payload: { request_id: string } }
      socket.send(text.replace('ID', payload.request_id))
      if (error) await expect(call).rejects.toMatchObject(error)
      else expect(await call).toBeNull()
    }
  })

  it('may send junk, and answers of calls that are not its own', async () => {
    const { name, key } = await registered(['tool'])
    await using socket = await serveTools(server.url, key, { tool: () => 'fine' })
    for (const text of ['', 'null', '[]', '{', '{"type": "tool_response", "request_id": 5}']) socket.send(text)
    socket.send({ type: 'tool_response', request_id: 'unknown', result: 1 })
    socket.send({ type: 'app_response', request_id: 'unknown', result: 1 })
    expect(await server.llm().call({ toolkitId: name, tool: 'tool' })).toBe('fine')
    expect(socket.messages.filter((message) => !isRequest(message) && !isGreeting(message))).toEqual([])
  })

  it('is asked for tools only that were registered, with what they require', async () => {
    const { name, path } = await registered(['tool', { params: ['a'], required_params: ['a'] }])
    await using socket = await greeted(path)
    const llm = server.llm()
    await expect(llm.call({ toolkitId: name, tool: 'other' })).rejects.toMatchObject({ code: 'tool_not_found' })
    await expect(llm.call({ toolkitId: name, tool: 'tool' })).rejects.toMatchObject({ code: 'missing_params' })
    expect(requestsOf(socket)).toEqual([])
  })

  it('is offline for its callers at once when it goes', async () => {
    const { name, path } = await registered(['tool'])
    const socket = await greeted(path)
    const call = server.llm().call({ toolkitId: name, tool: 'tool' })
    await socket.next(isRequest)
    await socket[Symbol.asyncDispose]()
    await expect(call).rejects.toMatchObject({ code: 'toolkit_disconnected' })
    await expect(server.llm().call({ toolkitId: name, tool: 'tool' })).rejects.toMatchObject({
      code: 'toolkit_offline',
    })
  })
})

describe('the queue of a Python toolkit', () => {
  it('holds calls back while a tool runs, and drops those that are cancelled meanwhile', async () => {
    const { name, path } = await registered(['tool', { params: ['n'] }])
    await using socket = await greeted(path, false)
    const llm = server.llm()
    const cancelled = new AbortController()
    const first = llm.call({ toolkitId: name, tool: 'tool', params: { n: 1 } })
    await socket.next(isRequest)
    const second = llm.call({ toolkitId: name, tool: 'tool', params: { n: 2 }, signal: cancelled.signal })
    const third = llm.call({ toolkitId: name, tool: 'tool', params: { n: 3 } })
    cancelled.abort()
    await expect(second).rejects.toMatchObject({ code: 'cancelled' })
    // The server serves the messages of one client in order: it has heard of the cancel when it answers this.
    await llm.getToolkitContext({ toolkitId: name })
    const [running] = requestsOf(socket)
    socket.send({ type: 'tool_response', request_id: running?.request_id, result: 1 })
    expect(await first).toBe(1)
    await expect.poll(() => requestsOf(socket).map(({ params }) => params)).toEqual([{ n: 1 }, { n: 3 }])
    socket.send({ type: 'tool_response', request_id: requestsOf(socket)[1]?.request_id, result: 3 })
    expect(await third).toBe(3)
  })

  it('goes on behind a tool that the process does not know and never answers', async () => {
    const { name, key } = await registered(['known'], ['forgotten'])
    await using _process = await serveTools(server.url, key, { known: () => 'fine' })
    const llm = server.llm()
    const lost = llm.call({ toolkitId: name, tool: 'forgotten', timeoutMs: 1_000 })
    expect(await llm.call({ toolkitId: name, tool: 'known' })).toBe('fine')
    await expect(lost).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('moves what was not sent to another process when the connection is lost', async () => {
    const { name, path, key } = await registered(['tool', { params: ['n'] }])
    const lost = await greeted(path, false)
    const llm = server.llm()
    const first = llm.call({ toolkitId: name, tool: 'tool', params: { n: 1 } })
    await lost.next(isRequest)
    const second = llm.call({ toolkitId: name, tool: 'tool', params: { n: 2 } })
    // Until its ping has come, the second call may not have.
    await new Promise((ping) => lost.socket.once('ping', ping))
    await using _other = await serveTools(server.url, key, { tool: ({ n }) => n })
    await lost[Symbol.asyncDispose]()
    await expect(first).rejects.toMatchObject({ code: 'toolkit_disconnected' })
    expect(await second).toBe(2)
  })

  it('is bounded: what is above is busy', async () => {
    await using small = await startTestServer({ limits: { legacyCallsPerProcess: 2 } })
    const { url, keys } = small
    await ask(`${url}/api/v1/register_tool`, registration(keys.toolkitKey, 'small', 'tool'))
    await using socket = await connectLegacy(url, `/ws/v1/atp/${keys.toolkitKey}/`, false)
    await socket.next(isGreeting)
    const llm = small.llm()
    const calls = [1, 2, 3].map(() => llm.call({ toolkitId: 'small', tool: 'tool' }).catch(({ code }) => code))
    expect(await Promise.race(calls)).toBe('busy')
    await socket[Symbol.asyncDispose]()
    expect(await Promise.all(calls)).toEqual(['toolkit_disconnected', 'toolkit_offline', 'busy'])
  })
})
