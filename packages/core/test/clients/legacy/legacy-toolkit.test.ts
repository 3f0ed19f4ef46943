import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../../src/clients/toolkit-client.ts'
import type { TestPeer } from '../../transport/test-peer.ts'
import { settleHashes } from '../toolkit-support.ts'
import { type FoundingMemory, foundingMemory, nextMessage, oddKey, tell } from './founding-peers.ts'

type Body = Record<string, unknown>
type Reply = Response | Promise<Response>

let server: FoundingMemory
let client: ToolKitClient
let asked: { path: string; body: Body; headers: Record<string, string> }[]
let logged: unknown[]
/** How the HTTP side answers. */
let reply: (path: string, body: Body) => Reply

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status })
const accept = (path: string): Response =>
  path.includes('verify') ? json(200, { up_to_date: false }) : json(200, { exchange_token: 't' })

beforeEach(() => {
  vi.useFakeTimers()
  server = foundingMemory()
  asked = []
  logged = []
  reply = accept
  client = make()
})
afterEach(async () => {
  await client.stop()
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  const text = JSON.stringify(logged)
  for (const form of [oddKey, encodeURIComponent(oddKey)]) expect(text).not.toContain(form)
})

function make(options: Partial<ToolKitClientOptions> = {}): ToolKitClient {
  const log = (event: string, fields?: object): void => void logged.push([event, fields])
  const made = new ToolKitClient({
    apiKey: oddKey,
    appName: 'math',
    baseUrl: 'http://server/proxy',
    connect: server.connect,
    backoff: { random: () => 0.5 },
    logger: { debug: log, info: log, warn: log, error: log },
    fetch: async (url, init) => {
      const path = String(url).replace('http://server/proxy/api/v1/', '')
      const body = JSON.parse(String(init?.body)) as Body
      asked.push({ path, body, headers: init?.headers as Record<string, string> })
      const signal = init?.signal as AbortSignal
      return Promise.race([
        Promise.resolve(reply(path, body)),
        new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ])
    },
    ...options,
  })
  made.registerTool({ name: 'echo', description: 'Echoes', params: ['value'] }, ({ value }) => value ?? null)
  return made
}

/** The far end of the next socket, greeted. */
async function greet(): Promise<TestPeer> {
  const peer = await server.memory.accepted.next()
  tell(peer, { message_type: 'atp_client_connected', payload: { message: 'Hello' } })
  return peer
}

async function started(): Promise<TestPeer> {
  const starting = client.start()
  const peer = await greet()
  await starting
  return peer
}

const request = (peer: TestPeer, payload: object): void =>
  tell(peer, { message_type: 'atp_tool_request', payload: { tool_name: 'echo', params: {}, ...payload } })

const registered = (): unknown[] =>
  asked.filter(({ path }) => path === 'register_tool').map(({ body }) => body.function_id)

describe('registering with a founding server', () => {
  it('comes before the socket, asks by hash first, and puts the key into bodies only', async () => {
    const paths: string[][] = []
    reply = (path) => {
      paths.push([...server.paths])
      return accept(path)
    }
    await started()
    expect(asked.map(({ path }) => path)).toEqual(['toolkit/verify_hash', 'toolkit/verify_tool_hash', 'register_tool'])
    expect(paths.at(-1)).toEqual(['/proxy/ws/v2/toolkit'])
    expect(server.paths.at(-1)).toBe(`/proxy/ws/v1/atp/toolkit-client/${encodeURIComponent(oddKey)}/`)
    for (const { body, headers } of asked) {
      expect(body.api_key).toBe(oddKey)
      expect(headers).not.toHaveProperty('authorization')
    }
  })

  it('registers nothing that the server has: by the whole hash, or tool by tool', async () => {
    reply = (path) => (path.endsWith('verify_hash') ? json(200, { up_to_date: true }) : json(500, {}))
    await started()
    expect(asked).toHaveLength(1)
    await client.stop()
    asked = []
    client.registerTool({ name: 'second', description: 'The second' }, () => 2)
    reply = (path, body) => {
      return path.includes('verify') ? json(200, { up_to_date: body.tool_name === 'echo' }) : accept(path)
    }
    await started()
    expect(registered()).toEqual(['second'])
  })

  it('makes the hash that is asked for next time stand for all tools, also when only one is gone', async () => {
    reply = (path) => (path.endsWith('verify_tool_hash') ? json(200, { up_to_date: true }) : accept(path))
    await started()
    const [question, , registration] = asked
    expect(registration?.body).toMatchObject({ function_id: 'echo', toolkit_hash: question?.body.toolkit_hash })
  })

  it('works with servers that know no hashes', async () => {
    reply = (path) => (path.includes('verify') ? json(404, { error: 'Not found' }) : accept(path))
    await started()
    expect(registered()).toEqual(['echo'])
  })

  it('rejects the start with the tools that are not taken, and gives them no hash of the whole', async () => {
    client.registerTool({ name: 'odd', description: 'Odd' }, () => 1)
    reply = (path, body) => (body.function_id === 'echo' ? json(422, { error: `no "${oddKey}"` }) : accept(path))
    const failed = expect(client.start()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringMatching(/echo: no "KEY"$/),
    })
    await greet()
    await failed
    const last = asked.findLast(({ path }) => path === 'register_tool')
    expect(last?.body).toMatchObject({ function_id: 'odd' })
    expect(last?.body).not.toHaveProperty('toolkit_hash')
  })

  it.each([
    [{ error: 'too odd' }, /echo: too odd$/],
    [{}, /echo: no exchange_token/],
  ])('takes 200 with %j for a refusal: only a token says that a tool was taken', async (answer, message) => {
    reply = (path) => (path === 'register_tool' ? json(200, answer) : accept(path))
    await expect(client.start()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringMatching(message),
    })
  })

  it.each([401, 403])('is refused for good with %i', async (status) => {
    reply = () => json(status, { error: `The key ${oddKey} is wrong` })
    await expect(client.start()).rejects.toMatchObject({
      code: status === 401 ? 'unauthorized' : 'forbidden',
      message: 'The key KEY is wrong',
    })
    expect(server.memory.attempts).toBe(0)
  })

  it('tries again when the server is away, after the time it asks for', async () => {
    reply = () => new Response('', { status: 429, headers: { 'retry-after': '20' } })
    const starting = client.start()
    await vi.waitFor(() => expect(client.state).toBe('reconnecting'))
    reply = accept
    await vi.advanceTimersByTimeAsync(20_000)
    await settleHashes()
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(500)
    await greet()
    await starting
  })

  it('asks for protocol 2 again when nothing answers to the founding addresses', async () => {
    reply = () => new Response('<html>', { status: 404 })
    client.start().catch(() => {})
    await vi.waitFor(() => expect(client.state).toBe('reconnecting'))
    await vi.advanceTimersByTimeAsync(500)
    await vi.waitFor(() => expect(server.paths).toEqual(['/proxy/ws/v2/toolkit', '/proxy/ws/v2/toolkit']))
  })

  it('of a thousand tools asks a few questions at once', async () => {
    for (let index = 0; index < 300; index += 1) {
      client.registerTool({ name: `tool_${index}`, description: 'One of many' }, () => index)
    }
    let running = 0
    let most = 0
    reply = async (path) => {
      running += 1
      most = Math.max(most, running)
      await undefined
      running -= 1
      return accept(path)
    }
    await started()
    expect(new Set(registered()).size).toBe(301)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(8)
  })

  it('gives up connecting when no greeting comes, and when the client stops', async () => {
    const starting = client.start().catch((error: Error) => error)
    const peer = await server.memory.accepted.next()
    await vi.advanceTimersByTimeAsync(10_000)
    await peer.closed
    expect(client.state).toBe('reconnecting')
    await vi.advanceTimersByTimeAsync(500)
    await server.memory.accepted.next()
    await client.stop()
    expect(await starting).toMatchObject({ code: 'client_stopped' })
  })

  it('ends its requests when the client stops', async () => {
    reply = () => new Promise<Response>(() => {})
    const starting = client.start().catch((error: Error) => error)
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    await client.stop()
    expect(await starting).toMatchObject({ code: 'client_stopped' })
  })
})

describe('calls from a founding server', () => {
  it('are answered under their id, falsy results as they are, failures as an error text', async () => {
    const peer = await started()
    for (const value of [null, 0, '', false, [], { deep: [1] }]) {
      request(peer, { request_id: 'r', params: { value } })
      expect(await nextMessage(peer)).toEqual({ type: 'tool_response', request_id: 'r', result: value })
    }
    client.registerTool({ name: 'fails', description: 'Fails' }, () => {
      throw new Error('it broke')
    })
    request(peer, { request_id: 'f', tool_name: 'fails' })
    expect(await nextMessage(peer)).toEqual({ type: 'tool_response', request_id: 'f', result: { error: 'it broke' } })
    request(peer, { request_id: 'u', tool_name: 'unknown' })
    expect(await nextMessage(peer)).toMatchObject({ request_id: 'u', result: { error: expect.any(String) } })
  })

  it('have their ids and parameters in whatever form Python writes', async () => {
    const peer = await started()
    for (const id of [0, 7, '', 'x'.repeat(200), null]) {
      request(peer, { request_id: id, params: { value: 1 } })
      expect(await nextMessage(peer)).toEqual({ type: 'tool_response', request_id: id, result: 1 })
    }
    request(peer, { request_id: 'n', params: null })
    expect(await nextMessage(peer)).toMatchObject({ request_id: 'n', result: null })
    request(peer, { request_id: 'l', params: [1] })
    expect(await nextMessage(peer)).toEqual({
      type: 'tool_response',
      request_id: 'l',
      result: { error: 'The parameters must be an object' },
    })
  })

  it('run together, with their tokens and as long as the tool may take', async () => {
    const ends = new Map<string, () => void>()
    client.registerTool(
      {
        name: 'slow',
        description: 'Slow',
        timeoutMs: 300_000,
        auth: { provider: 'github', type: 'OAuth2', with: 'access_token' },
      },
      (_args, { authToken = '' }) => new Promise((resolve) => ends.set(authToken, () => resolve(authToken))),
    )
    const peer = await started()
    for (const token of ['a', 'b']) request(peer, { request_id: token, tool_name: 'slow', auth_token: token })
    await vi.waitFor(() => expect([...ends.keys()]).toEqual(['a', 'b']))
    await vi.advanceTimersByTimeAsync(299_000)
    ends.get('b')?.()
    expect(await nextMessage(peer)).toMatchObject({ request_id: 'b', result: 'b' })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await nextMessage(peer)).toMatchObject({ request_id: 'a', result: { error: expect.any(String) } })
  })

  it('of apps are answered: there are none', async () => {
    const peer = await started()
    tell(peer, { message_type: 'atp_app_request', payload: { request_id: 'a', tool_name: 'echo', params: {} } })
    expect(await nextMessage(peer)).toEqual({
      type: 'app_response',
      request_id: 'a',
      result: { error: 'App initialization failed: "echo" is no app' },
    })
    tell(peer, { message_type: 'atp_app_action', payload: { request_id: 'b', action_data: {} } })
    expect(await nextMessage(peer)).toMatchObject({
      request_id: 'b',
      result: { error: expect.stringMatching(/^App action/) },
    })
  })

  it('that mean nothing are passed over', async () => {
    const peer = await started()
    for (const text of ['{', '[]', '{"message_type":"atp_tool_request"}', '{"message_type":"of the future"}']) {
      peer.send(text)
    }
    request(peer, { request_id: 'r', params: { value: 1 } })
    expect(await nextMessage(peer)).toMatchObject({ request_id: 'r', result: 1 })
  })
})

describe('the socket of a founding server', () => {
  it('comes back when it drops, with the tools asked for by one hash', async () => {
    const peer = await started()
    reply = (path) => (path.endsWith('verify_hash') ? json(200, { up_to_date: true }) : json(500, {}))
    asked = []
    peer.terminate()
    await vi.advanceTimersByTimeAsync(500)
    const second = await greet()
    await vi.waitFor(() => expect(client.state).toBe('connected'))
    request(second, { request_id: 'r', params: { value: 1 } })
    expect(await nextMessage(second)).toMatchObject({ result: 1 })
    expect(asked).toHaveLength(1)
    expect(server.paths.filter((path) => path.includes('v2'))).toHaveLength(1)
  })

  it('ends for good when the key is refused meanwhile', async () => {
    const peer = await started()
    peer.close(4401, 'revoked')
    await vi.waitFor(() => expect(client.state).toBe('refused'))
  })

  it('is opened with the first tool, which a toolkit without any need not have', async () => {
    client.removeTool('echo')
    await client.start()
    await vi.advanceTimersByTimeAsync(200_000)
    expect([client.state, server.memory.attempts]).toEqual(['connected', 0])
    client.registerTool({ name: 'first', description: 'The first' }, () => 1)
    const waiting = client.whenRegistered()
    const peer = await greet()
    await waiting
    request(peer, { request_id: 'r', tool_name: 'first' })
    expect(await nextMessage(peer)).toMatchObject({ result: 1 })
    await vi.advanceTimersByTimeAsync(200_000)
    expect([client.state, server.memory.attempts]).toEqual(['connected', 1])
  })
})
