import { get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { connectStubbornPeer } from '../support/stubborn-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Peers that do not play along: they ignore a close, keep a connection half open, or send on while they are refused. */

const hello = { type: 'hello', protocol: 2, instance_id: 'stubborn' }
const call = { type: 'call', toolkit_id: 'bank', tool: 'pay', params: {} }

async function startBank(server: TestServer): Promise<() => number> {
  const bank = await server.toolkit({ appName: 'bank' })
  let runs = 0
  bank.registerTool({ name: 'pay', description: 'Pays' }, () => {
    runs += 1
    return runs
  })
  await bank.start()
  return () => runs
}

async function revoke(server: TestServer, id: string): Promise<void> {
  const answer = await fetch(`${server.url}/api/v2/keys/${id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${server.keys.adminKey}` },
  })
  expect(answer.status).toBe(200)
}

it('serves no call of a revoked key whose socket ignores the close, and ends that socket', async () => {
  await using server = await startTestServer()
  const runs = await startBank(server)
  const { id, key } = await server.server.createKey({ kind: 'llm', name: 'revoked' })
  await using peer = await connectStubbornPeer(server.url, '/ws/v2/llm', key)
  peer.send(hello)
  await peer.saw('"welcome"')
  peer.send({ ...call, request_id: 'before' })
  await peer.saw('"before"')
  await revoke(server, id)
  await peer.saw('the key was revoked')
  peer.send({ ...call, request_id: 'after' })
  await peer.ended
  expect(runs()).toBe(1)
  expect(peer.received()).not.toContain('"after"')
})

it('finds every socket of a revoked key, also after one that closed during its welcome', async () => {
  await using server = await startTestServer()
  await startBank(server)
  const { id, key } = await server.server.createKey({ kind: 'llm', name: 'revoked' })
  await using first = await connectStubbornPeer(server.url, '/ws/v2/llm', key)
  // In one segment: the socket is closing already when its welcome is done.
  first.socket.cork()
  first.send(hello)
  first.sendClose()
  first.socket.uncork()
  await first.saw('\x88')
  await using second = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
  first.socket.destroy()
  // The server hears of the end before it answers what came later.
  for (let i = 0; i < 5; i += 1) await fetch(`${server.url}/healthz`)
  await revoke(server, id)
  await expect(second.closed).resolves.toBe(4401)
})

it('keeps nothing of what a peer sends after a hello that is refused', async () => {
  await using server = await startTestServer()
  await using peer = await connectStubbornPeer(server.url, '/ws/v2/llm')
  peer.send({ ...hello, api_key: 'wrong' })
  const before = process.memoryUsage().heapUsed
  let gone = false
  void peer.ended.then(() => {
    gone = true
  })
  // 80 MB at most, until the server ends the connection.
  for (let sent = 0; sent < 20_000 && !gone; sent += 1) {
    peer.send({ text: 'x'.repeat(4_000) })
    if (sent % 100 === 0) await wait(1)
  }
  await peer.ended
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000)
})

it('shuts down beside connections that are refused, silent or half a request', async () => {
  const server = await startTestServer()
  const refused = await connectStubbornPeer(server.url, '/nowhere')
  expect(refused.received()).toContain('404')
  const open = await connectStubbornPeer(server.url, '/ws/v2/llm', server.keys.llmKey)
  open.socket.write('half a frame')
  await server[Symbol.asyncDispose]()
  await Promise.all([refused, open].map((peer) => peer[Symbol.asyncDispose]()))
})

it('closes with a reason that fits, however long the names in it are', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: '名'.repeat(100) })
  const hello = { app_name: '字'.repeat(100) }
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key, hello: false })
  peer.send({ type: 'hello', protocol: 2, instance_id: 'i', ...hello })
  await expect(peer.closed).resolves.toBe(4409)
})

it('counts the sockets of a key when they say hello, not only when they connect', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'many' })
  await using stack = new AsyncDisposableStack()
  const peers: RawPeer[] = []
  for (let i = 0; i < 20; i += 1) {
    peers.push(stack.use(await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key, hello: false })))
  }
  for (const peer of peers) peer.send(hello)
  await vi.waitFor(() => expect(peers.every((peer) => peer.frames.length > 0)).toBe(true))
  expect(peers.filter((peer) => peer.frames[0]?.type === 'welcome')).toHaveLength(16)
  expect(peers.filter((peer) => peer.frames[0]?.type === 'error')).toHaveLength(4)
})

it('serves a good key while others behind the same address knock with wrong ones, and slows those down', async () => {
  await using server = await startTestServer({
    limits: { connectsPerSecond: 5, connectsPerKeyPer10s: 100, refusalDelayMs: 1 },
  })
  const knock = (key: string) => connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
  for (let i = 0; i < 10; i += 1) await expect(knock('junk')).rejects.toMatchObject({ status: 401 })
  for (let i = 0; i < 10; i += 1) await expect(knock('junk')).rejects.toMatchObject({ status: 429 })
  await using _peer = await knock(server.keys.llmKey)
})

it('ends a peer that sends pings and reads no answers', async () => {
  await using server = await startTestServer()
  await using peer = await connectStubbornPeer(server.url, '/ws/v2/llm', server.keys.llmKey)
  peer.send(hello)
  await peer.saw('"welcome"')
  peer.socket.pause()
  const gone = new Promise((done) => peer.socket.on('error', done))
  let over = false
  void gone.then(() => {
    over = true
  })
  // What the two kernels take in between is not ours to know, so the pings go on until it shows.
  while (!over) {
    peer.sendPings(2_000)
    await wait(1)
  }
})

it('serves a request that offers another protocol as it is', async () => {
  await using server = await startTestServer()
  const { hostname, port } = new URL(server.url)
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
    }
    get({ hostname, port, path: '/healthz', headers }, ({ statusCode }) => resolve(statusCode)).on('error', reject)
  })
  expect(answer).toBe(200)
})

it('tells the caller soon when a toolkit closes but keeps its connection', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'hung' })
  await using peer = await connectStubbornPeer(server.url, '/ws/v2/toolkit', key)
  peer.send(hello)
  await peer.saw('"welcome"')
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('x')] })
  await peer.saw('"registered"')
  const call = server.llm().call({ toolkitId: 'hung', tool: 'x' })
  call.catch(() => {})
  await peer.saw('"call"')
  peer.sendClose()
  await expect(call).rejects.toMatchObject({ code: 'toolkit_disconnected' })
})
