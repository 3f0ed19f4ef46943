import type { Logger } from '@atp/core'
import { expect, it, vi } from 'vitest'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const tryHttp = (server: TestServer, key: string): Promise<Response> =>
  fetch(`${server.url}/api/v2/keys`, { headers: { authorization: `Bearer ${key}` } })

async function revoke(server: TestServer, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${server.keys.adminKey}` }
  const answer = await fetch(`${server.url}/api/v2/keys/${id}`, { method: 'DELETE', headers })
  expect(answer.status).toBe(200)
}

/** Shows a key in hello, and gives what the peer hears of it. */
async function sayHello(server: TestServer, apiKey: string): Promise<{ code: string | undefined; closed: number }> {
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', hello: false })
  peer.send({ type: 'hello', protocol: 2, instance_id: 'i', api_key: apiKey })
  const { error } = await peer.next(({ type }) => type === 'error')
  return { code: (error as { code: string }).code, closed: await peer.closed }
}

it('counts wrong keys of an address over HTTP, handshakes and hello together, and answers further ones with 429', async () => {
  await using server = await startTestServer({ limits: { refusalDelayMs: 1 } })
  const handshake = (): Promise<unknown> => connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key: 'wrong' })
  for (let i = 0; i < 4; i += 1) expect((await tryHttp(server, 'wrong')).status).toBe(401)
  for (let i = 0; i < 3; i += 1) await expect(handshake()).rejects.toMatchObject({ status: 401 })
  for (let i = 0; i < 3; i += 1) {
    expect(await sayHello(server, 'wrong')).toEqual({ code: 'unauthorized', closed: 4401 })
  }
  const refused = await tryHttp(server, 'wrong')
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ code: 'rate_limited' })
  await expect(handshake()).rejects.toMatchObject({ status: 429 })
  expect(await sayHello(server, 'wrong')).toEqual({ code: 'rate_limited', closed: 1013 })
  // The good ones behind the same address do not notice.
  expect((await tryHttp(server, server.keys.adminKey)).status).toBe(200)
  await using _header = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
  const hello = { api_key: server.keys.llmKey }
  await using _hello = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', hello })
  // Whoever shows no key is told to show one.
  expect((await fetch(`${server.url}/api/v2/keys`)).status).toBe(401)
})

it('counts what trusted proxies say, and believes nobody else', async () => {
  await using server = await startTestServer({ trustedProxies: ['127.0.0.0/8'], limits: { failedKeysPerMinute: 1 } })
  const tryFrom = async (address: string): Promise<number> => {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': address }
    return (await fetch(`${server.url}/api/v2/keys`, { headers })).status
  }
  expect(await tryFrom('192.0.2.1')).toBe(401)
  expect(await tryFrom('192.0.2.1')).toBe(429)
  expect(await tryFrom('192.0.2.2')).toBe(401)
  await using direct = await startTestServer({ limits: { failedKeysPerMinute: 1 } })
  const headers = (address: string) => ({ authorization: 'Bearer wrong', 'x-forwarded-for': address })
  const tryDirect = async (address: string): Promise<number> =>
    (await fetch(`${direct.url}/api/v2/keys`, { headers: headers(address) })).status
  expect(await tryDirect('192.0.2.1')).toBe(401)
  expect(await tryDirect('192.0.2.2')).toBe(429)
})

it('takes one frame from a peer whose key is not checked yet, and refuses it for a second', async () => {
  await using server = await startTestServer()
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', hello: false })
  // In one segment: the second is here before the first is looked up.
  peer.send({ type: 'hello', protocol: 2, instance_id: 'i', api_key: server.keys.llmKey })
  peer.send({ type: 'call', request_id: 'c', toolkit_id: 't', tool: 'x', params: {} })
  await expect(peer.closed).resolves.toBe(4401)
  expect(peer.frames.some(({ type }) => type === 'welcome')).toBe(false)
})

it('closes a peer that does not say who it is, with 4401', async () => {
  await using server = await startTestServer({ limits: { helloTimeoutMs: 50 } })
  await using mute = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', hello: false })
  await expect(mute.closed).resolves.toBe(4401)
  const { llmKey } = server.keys
  await using keyed = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: llmKey, hello: false })
  await expect(keyed.closed).resolves.toBe(4401)
})

it('closes the toolkit’s socket with 4401 when its key is revoked, and tells the callers of what ran there', async () => {
  await using server = await startTestServer()
  const { id, key } = await server.server.createKey({ kind: 'toolkit', name: 'revoked' })
  await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('wait')] })
  await toolkit.next(({ type }) => type === 'registered')
  const outcome = server
    .llm()
    .call({ toolkitId: 'revoked', tool: 'wait' })
    .catch((error: unknown) => error)
  await toolkit.next(({ type }) => type === 'call')
  await revoke(server, id)
  await expect(toolkit.closed).resolves.toBe(4401)
  expect(await outcome).toMatchObject({ code: 'toolkit_disconnected' })
})

it('closes the caller’s socket with 4401 when its key is revoked, and cancels what it called', async () => {
  await using server = await startTestServer()
  const started = Promise.withResolvers<AbortSignal>()
  const toolkit = await server.toolkit({ appName: 'slow' })
  toolkit.registerTool({ name: 'wait', description: 'Waits' }, (_args, { signal }) => {
    started.resolve(signal)
    return new Promise(() => {})
  })
  await toolkit.start()
  const { id, key } = await server.server.createKey({ kind: 'llm', name: 'revoked' })
  await using caller = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
  caller.send({ type: 'call', request_id: 'c', toolkit_id: 'slow', tool: 'wait', params: {} })
  const signal = await started.promise
  await revoke(server, id)
  await expect(caller.closed).resolves.toBe(4401)
  await vi.waitFor(() => expect(signal.aborted).toBe(true))
})

it('shows no key in logs, answers and close reasons, wherever a peer puts it', async () => {
  const seen: string[] = []
  const note = (event: string, fields?: object): void => void seen.push(JSON.stringify({ event, ...fields }))
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  await using server = await startTestServer({ logger, limits: { refusalDelayMs: 1, helloTimeoutMs: 200 } })
  const { key } = await server.server.createKey({ kind: 'llm', name: 'canary' })
  // A good key, one that looks like one, and one that looks like none.
  for (const secret of [key, `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, 'my-secret-key-4711']) {
    const url = server.url.replace('http', 'ws')
    const paths = ['/ws/v2/llm', '/ws/v2/toolkit', `/ws/v2/llm/${secret}`, `/ws/v1/atp/toolkit-client/${secret}/`]
    for (const path of [
      ...paths,
      `/ws/v1/atp/${secret}`,
      `/ws/v1/atp/llm-client/${secret}/`,
      `/${secret}?k=${secret}`,
    ]) {
      for (const shown of [secret, undefined]) await knock(url, path, shown, secret, seen)
    }
    for (const path of [`/api/v2/keys/${secret}`, `/${secret}/%zz`, `/api/v1/toolkit/${secret}/inbox?key=${secret}`]) {
      for (const authorization of [`Bearer ${secret}`, `Basic ${secret}`]) {
        const answer = await fetch(`${server.url}${path}`, { headers: { authorization } })
        seen.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`)
      }
    }
    expect(seen.filter((text) => text.includes(secret))).toEqual([])
  }
  expect(seen.length).toBeGreaterThan(100)
})

/** Connects with a key, says hello with it and a frame without sense, and notes all that comes back. */
async function knock(url: string, path: string, key: string | undefined, secret: string, seen: string[]) {
  const options = { url, path: path as '/ws/v2/llm', hello: false } as const
  let peer: RawPeer
  try {
    peer = await connectRawPeer(key === undefined ? options : { ...options, key })
  } catch (error) {
    const { message, body } = error as Error & { body?: string }
    seen.push(`${message} ${body}`)
    return
  }
  peer.socket.on('close', (code, reason) => seen.push(`${code} ${reason.toString()}`))
  peer.send({ type: 'hello', protocol: 2, instance_id: 'i', app_name: 'canary', api_key: secret, token: secret })
  peer.send({ type: 'auth', api_key: secret })
  peer.send({
    type: 'call',
    request_id: 'c',
    toolkit_id: 'nobody',
    tool: 'none',
    params: { secret },
    auth_token: secret,
  })
  await vi.waitFor(() => expect(peer.frames.length + (peer.socket.readyState === peer.socket.OPEN ? 0 : 1)).not.toBe(0))
  seen.push(JSON.stringify(peer.frames))
  await peer[Symbol.asyncDispose]()
}
