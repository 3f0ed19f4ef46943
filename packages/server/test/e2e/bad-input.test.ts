import type { LLMClient, ToolKitClient } from '@atp/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

let server: TestServer
let toolkit: ToolKitClient
let llm: LLMClient

beforeAll(async () => {
  server = await startTestServer()
  toolkit = await server.toolkit({ appName: 'bad input' })
  toolkit.registerTool(
    { name: 'add', description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => a + b,
  )
  toolkit.registerTool({ name: 'throws', description: 'Throws' }, () => {
    throw new Error('the disk is full')
  })
  toolkit.registerTool({ name: 'undefined', description: 'Returns nothing' }, () => undefined)
  toolkit.registerTool({ name: 'bigint', description: 'Returns a BigInt' }, () => 1n)
  toolkit.registerTool({ name: 'cycle', description: 'Returns a cycle' }, () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    return cycle
  })
  toolkit.registerTool({ name: 'huge', description: 'Returns 2 MiB' }, () => 'x'.repeat(2 * 1_048_576))
  toolkit.registerTool({ name: 'never', description: 'Never returns', timeoutMs: 200 }, () => new Promise(() => {}))
  toolkit.registerTool(
    {
      name: 'secret',
      description: 'Needs a token',
      auth: { provider: 'github', type: 'OAuth2', with: 'access_token' },
    },
    (_args, { authToken }) => authToken?.length,
  )
  toolkit.registerTool({ name: 'constructor', description: 'A name like any other' }, () => 'built')
  await toolkit.start()
  llm = server.llm()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const run = (tool: string, params: Record<string, unknown> = {}, more: object = {}): Promise<unknown> =>
  llm.call({ toolkitId: 'bad input', tool, params, ...more })

describe('a call', () => {
  it.each([
    ['an unknown tool', 'nothing', {}, { code: 'tool_not_found' }],
    [
      'missing required parameters',
      'add',
      {},
      { code: 'missing_params', message: 'Missing required parameters: a, b' },
    ],
    ['a parameter of a wrong type', 'add', { a: 'one', b: 2 }, { code: 'invalid_params' }],
    [
      'a missing token',
      'secret',
      {},
      { code: 'missing_token', message: "Function 'secret' requires 'auth_token', but none was provided." },
    ],
    ['a tool that throws', 'throws', {}, { code: 'tool_error', message: 'the disk is full' }],
    ['a tool that returns a BigInt', 'bigint', {}, { code: 'invalid_result' }],
    ['a tool that returns a cycle', 'cycle', {}, { code: 'invalid_result' }],
    ['a tool that returns 2 MiB', 'huge', {}, { code: 'result_too_large' }],
    ['a tool that never returns', 'never', {}, { code: 'deadline_exceeded' }],
  ])('fails clearly for %s', async (_what, tool, params, error) => {
    await expect(run(tool, params)).rejects.toMatchObject(error)
    await expect(run('add', { a: 1, b: 2 })).resolves.toBe(3)
  })

  it('gives null for a tool that returns nothing', async () => {
    await expect(run('undefined')).resolves.toBeNull()
  })

  it('treats a tool called "constructor" like any other', async () => {
    await expect(run('constructor')).resolves.toBe('built')
    await expect(run('__proto__')).rejects.toMatchObject({ code: 'tool_not_found' })
  })

  it('passes the token only to a tool that declares auth', async () => {
    await expect(run('secret', {}, { authToken: 'gho_1234' })).resolves.toBe(8)
  })

  it('names an unknown toolkit, and says nothing else of one that belongs to another project', async () => {
    await expect(llm.call({ toolkitId: 'nobody', tool: 'add' })).rejects.toMatchObject({
      code: 'toolkit_not_found',
      message: 'There is no toolkit "nobody"',
    })
  })

  it('names an unknown provider', async () => {
    await expect(llm.getToolkitContext({ toolkitId: 'bad input', provider: 'skynet' })).rejects.toMatchObject({
      code: 'unknown_provider',
    })
  })

  it('is answered at once when its toolkit is not connected', async () => {
    const gone = await server.toolkit({ appName: 'gone' })
    gone.registerTool({ name: 'a', description: 'a' }, () => 1)
    await gone.start()
    await gone.stop()
    await vi.waitFor(async () => {
      await expect(llm.call({ toolkitId: 'gone', tool: 'a' })).rejects.toMatchObject({ code: 'toolkit_offline' })
    })
  })

  it('becomes an error result for the model, beside the calls that went well', async () => {
    const messages = await llm.callTool({
      toolkitId: 'bad input',
      provider: 'anthropic',
      toolCalls: [
        { type: 'tool_use', id: 't1', name: 'add', input: { a: 1, b: 2 } },
        { type: 'tool_use', id: 't2', name: 'throws', input: {} },
      ],
    })
    expect(messages).toMatchObject([
      {
        role: 'user',
        content: [
          { tool_use_id: 't1', content: '3' },
          { tool_use_id: 't2', content: '{"error":"the disk is full"}', is_error: true },
        ],
      },
    ])
  })
})

describe('a key', () => {
  const flipped = (key: string): string => key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A')

  it('that is wrong is refused on the LLM socket', async () => {
    const wrong = server.llm({ apiKey: flipped(server.keys.llmKey) })
    await expect(wrong.call({ toolkitId: 'bad input', tool: 'add' })).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('of the wrong kind is refused with the kind that is needed', async () => {
    const wrong = server.llm({ apiKey: server.keys.adminKey })
    await expect(wrong.call({ toolkitId: 'bad input', tool: 'add' })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('llm'),
    })
    const toolkitClient = await server.toolkit({ appName: 'x', apiKey: server.keys.llmKey })
    await expect(toolkitClient.start()).rejects.toMatchObject({ code: 'forbidden' })
    expect(toolkitClient.state).toBe('refused')
  })

  it('that is revoked ends the sockets it opened, and their clients stop trying', async () => {
    const { id, key } = await server.server.createKey({ kind: 'toolkit', name: 'revoked' })
    const client = await server.toolkit({ appName: 'revoked', apiKey: key })
    await client.start()
    const ended = new Promise((resolve) => client.on('disconnected', resolve))
    const answer = await fetch(`${server.url}/api/v2/keys/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${server.keys.adminKey}` },
    })
    expect(answer.status).toBe(200)
    await expect(ended).resolves.toMatchObject({ error: { code: 'unauthorized' } })
    expect(client.state).toBe('refused')
    await expect(client.start()).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('that expires ends the sockets it opened', async () => {
    const answer = await fetch(`${server.url}/api/v2/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.keys.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'llm', name: 'short', expires_at: Date.now() + 300 }),
    })
    const { key } = (await answer.json()) as { key: string }
    await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
    await expect(peer.closed).resolves.toBe(4401)
    await expect(connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })).rejects.toMatchObject({ status: 401 })
  })

  it('of one toolkit is refused for another app name, which names both', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'first' })
    const client = await server.toolkit({ appName: 'second', apiKey: key })
    await expect(client.start()).rejects.toMatchObject({
      code: 'toolkit_name_conflict',
      message: expect.stringMatching(/"first".*"second"/),
    })
  })

  it('without a toolkit binds to the first app name it is used for', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit' })
    const first = await server.toolkit({ appName: 'bound', apiKey: key })
    await first.start()
    const second = await server.toolkit({ appName: 'other', apiKey: key })
    await expect(second.start()).rejects.toMatchObject({ code: 'toolkit_name_conflict' })
  })
})

describe('a registration', () => {
  it('that holds one bad tool takes the others and says what is wrong with it', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'mixed' })
    await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    peer.send({
      type: 'register',
      request_id: 'r1',
      toolkit_hash: 'h',
      tools: [
        wireTool('good'),
        wireTool('not a name'),
        wireTool('list', { input_schema: { type: 'array' } }),
        wireTool('good'),
        null,
        wireTool('remote', {
          input_schema: { type: 'object', properties: { a: { $ref: 'https://example.com/schema' } } },
        }),
      ],
    })
    const answer = await peer.next((frame) => frame.request_id === 'r1')
    expect(answer).toMatchObject({ type: 'registered', tools: ['good'] })
    expect((answer.rejected as { code: string }[]).map(({ code }) => code)).toEqual([
      'invalid_name',
      'invalid_schema',
      'duplicate_tool',
      'invalid_name',
      'invalid_schema',
    ])
  })
})

describe('a socket', () => {
  const connect = (hello?: boolean) =>
    connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey, ...(hello === false && { hello }) })

  it('answers malformed JSON, binary frames and unknown types, and stays open', async () => {
    await using peer = await connect()
    peer.send('{"type":')
    await peer.next((frame) => (frame.error as { code: string })?.code === 'invalid_json')
    peer.socket.send(Buffer.from([1, 2, 3]))
    peer.send({ type: 'dance', request_id: 'd1' })
    await peer.next((frame) => frame.type === 'error' && frame.request_id === 'd1')
    peer.send({ type: 'call', request_id: 'c1', toolkit_id: 'bad input', tool: 'add', params: { a: 1, b: 1 } })
    await expect(peer.next((frame) => frame.request_id === 'c1')).resolves.toMatchObject({ ok: true, result: 2 })
    expect(peer.frames.filter((frame) => frame.type === 'error')).toHaveLength(3)
  })

  it('answers each of 1,000 bad frames, ten seconds of a hundred, and still serves the next call', async () => {
    await using peer = await connect()
    for (let i = 0; i < 1_000; i += 1) peer.send({ type: 'nonsense', request_id: `n${i}` })
    peer.send({ type: 'call', request_id: 'after', toolkit_id: 'bad input', tool: 'add', params: { a: 2, b: 2 } })
    await expect(peer.next((frame) => frame.request_id === 'after')).resolves.toMatchObject({ ok: true, result: 4 })
    expect(peer.frames.filter((frame) => frame.type === 'error')).toHaveLength(1_000)
  })

  it('closes a peer that sends nothing but bad frames for long', async () => {
    await using peer = await connect()
    for (let i = 0; i < 2_100; i += 1) peer.send('nonsense')
    await expect(peer.closed).resolves.toBe(4400)
  })

  it('closes with 1009 on a frame of 5 MiB, and other sockets go on', async () => {
    await using peer = await connect()
    peer.send({ type: 'call', request_id: 'big', toolkit_id: 't', tool: 't', params: { x: 'x'.repeat(5 * 1_048_576) } })
    await expect(peer.closed).resolves.toBe(1009)
    await expect(run('add', { a: 1, b: 2 })).resolves.toBe(3)
  })

  it('closes with 1007 on a text that is not UTF-8', async () => {
    await using peer = await connect()
    peer.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    await expect(peer.closed).resolves.toBe(1007)
  })

  it('takes no frame before hello', async () => {
    await using peer = await connect(false)
    peer.send({ type: 'call', request_id: 'c1', toolkit_id: 'bad input', tool: 'add', params: {} })
    await expect(peer.closed).resolves.toBe(4400)
    expect(peer.frames).toMatchObject([
      { type: 'error', request_id: 'c1', error: { message: 'The first frame must be hello' } },
    ])
  })

  it('takes the key in hello from peers that cannot send headers, and closes with 4401 without one', async () => {
    const base = { url: server.url, path: '/ws/v2/llm' } as const
    await using good = await connectRawPeer({ ...base, hello: { api_key: server.keys.llmKey } })
    expect(good.frames[0]).toMatchObject({ type: 'welcome' })
    await using bad = await connectRawPeer({ ...base, hello: false })
    bad.send({ type: 'hello', protocol: 2, instance_id: 'i' })
    await expect(bad.closed).resolves.toBe(4401)
  })

  it('takes no more than 4 KiB from a peer that has shown no key', async () => {
    const hello = JSON.stringify({ type: 'hello', protocol: 2, instance_id: 'i', api_key: server.keys.llmKey })
    const base = { url: server.url, path: '/ws/v2/llm', hello: false } as const
    await using peer = await connectRawPeer(base)
    peer.send(hello.padEnd(4_097))
    await expect(peer.closed).resolves.toBe(4401)
    expect(peer.frames).toEqual([])
    await using good = await connectRawPeer(base)
    good.send(hello.padEnd(4_096))
    await good.next(({ type }) => type === 'welcome')
    // Its key is good: now the limits of its kind hold.
    good.send('x'.repeat(5_000))
    await good.next(({ type }) => type === 'error')
    good.send('x'.repeat(2 * 1_048_576))
    await expect(good.closed).resolves.toBe(1009)
  })

  it('refuses a second call under a request_id that is under way', async () => {
    await using peer = await connect()
    const call = { type: 'call', request_id: 'same', toolkit_id: 'bad input', tool: 'never', params: {} }
    peer.send(call)
    peer.send(call)
    await peer.next((frame) => (frame.error as { code: string })?.code === 'duplicate_request_id')
    await peer.next((frame) => (frame.error as { code: string })?.code === 'deadline_exceeded')
  })

  it.each([
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['a Host that is not loopback', { host: 'evil.example' }],
  ])('refuses a handshake with %s', async (_what, headers) => {
    const connecting = connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey, headers })
    await expect(connecting).rejects.toMatchObject({ status: 403 })
  })

  it('refuses a handshake at another address with 404', async () => {
    const path = '/ws/v9/llm' as '/ws/v2/llm'
    await expect(connectRawPeer({ url: server.url, path })).rejects.toMatchObject({ status: 404 })
  })
})
