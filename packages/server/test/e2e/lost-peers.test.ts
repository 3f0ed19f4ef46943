import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Toolkits whose connection is cut without a word, or ends before they were sent what they should run. */

async function connectToolkit(
  server: TestServer,
  key: string,
  tool: string,
  { url = server.url, ...more }: { url?: string; annotations?: Record<string, unknown> } = {},
): Promise<RawPeer> {
  const peer = await connectRawPeer({ url, path: '/ws/v2/toolkit', key, hello: { max_concurrency: 1_000 } })
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool(tool, more)] })
  await peer.next(({ type }) => type === 'registered')
  return peer
}

it('takes a toolkit for offline whose cable was pulled, and tells the callers of what ran there', async () => {
  await using server = await startTestServer({ limits: { heartbeatMs: 200, livenessMs: 1_000 } })
  const { hostname, port } = new URL(server.url)
  await using proxy = await startTcpProxy({ host: hostname, port: Number(port) })
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'far away' })
  await using toolkit = await connectToolkit(server, key, 'wait', { url: `http://127.0.0.1:${proxy.port}` })
  const llm = server.llm()
  const running = llm.call({ toolkitId: 'far away', tool: 'wait' }).catch((error: unknown) => error)
  await toolkit.next(({ type }) => type === 'call')
  proxy.hang()
  expect(await running).toMatchObject({ code: 'toolkit_disconnected' })
  await expect(llm.call({ toolkitId: 'far away', tool: 'wait' })).rejects.toMatchObject({ code: 'toolkit_offline' })
})

it('takes any frame for a sign of life, also from a peer that answers no ping', async () => {
  await using server = await startTestServer({ limits: { heartbeatMs: 500, livenessMs: 2_500 } })
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/v2/llm`, {
      headers: { authorization: `Bearer ${server.keys.llmKey}` },
      autoPong: false,
    })
    await new Promise((done) => socket.on('open', done))
    socket.send(JSON.stringify({ type: 'hello', protocol: 2, instance_id: 'i' }))
    return socket
  }
  const [silent, talking] = [await connect(), await connect()]
  const gone = new Promise((done) => silent.on('close', done))
  const talk = setInterval(() => talking.send(JSON.stringify({ type: 'cancel', request_id: 'none' })), 100)
  await gone
  // As old as the one that was ended, and heard all the time.
  expect(talking.readyState).toBe(talking.OPEN)
  clearInterval(talk)
  await new Promise((done) => talking.on('close', done))
})

it('sends calls to another process that never left for one which does not read, and none twice', async () => {
  await using server = await startTestServer({ limits: { callsInFlightPerKey: 10_000, stuckMs: 100 } })
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'pool' })
  const deaf = await connectToolkit(server, key, 'work')
  const ran = new Map<string, number>()
  const run = (peer: RawPeer) => (data: { toString(): string }) => {
    const { type, request_id, params } = JSON.parse(data.toString()) as {
      type: string
      request_id: string
      params: { n: string }
    }
    if (type !== 'call') return
    ran.set(params.n, (ran.get(params.n) ?? 0) + 1)
    if (peer.socket.readyState === peer.socket.OPEN) {
      peer.send({ type: 'result', request_id, ok: true, result: params.n })
    }
  }
  deaf.socket.pause()
  await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
  const text = 'x'.repeat(200_000)
  const answers = () => llm.frames.filter(({ type }) => type === 'result')
  let sent = 0
  // Until it is busy: then several calls wait in the server that no system has taken yet.
  while (answers().length === 0) {
    sent += 1
    llm.send({
      type: 'call',
      request_id: `c${sent}`,
      toolkit_id: 'pool',
      tool: 'work',
      params: { n: `c${sent}`, text },
    })
    await wait(1)
  }
  await using other = await connectToolkit(server, key, 'work')
  // The server ends the first one, which reads nothing for so long.
  other.socket.on('message', run(other))
  await vi.waitFor(() => expect(answers().length).toBe(sent), 15_000)
  const codes = answers().map(({ ok, error }) => (ok ? 'served' : (error as { code: string }).code))
  expect(codes.filter((code) => code === 'served').length).toBeGreaterThan(0)
  expect(codes.filter((code) => code === 'toolkit_disconnected').length).toBeGreaterThan(0)
  expect(new Set(codes)).toEqual(new Set(['served', 'busy', 'toolkit_disconnected']))
  // What was on its way arrives in full; nobody waits for its answers.
  deaf.socket.on('message', run(deaf))
  deaf.socket.resume()
  await deaf.closed
  expect(ran.size).toBeGreaterThan(codes.filter((code) => code === 'served').length)
  expect([...ran.values()].filter((times) => times > 1)).toEqual([])
  for (const { ok, result, request_id } of answers()) if (ok) expect(result).toBe(request_id)
})

it.each([
  [1, 'toolkit_disconnected'],
  [2, 'served'],
])(
  'sends a call of an idempotent tool as often as the operator allows: %i times',
  async (dispatchAttempts, outcome) => {
    await using server = await startTestServer({ limits: { dispatchAttempts } })
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'pool' })
    const first = await connectToolkit(server, key, 'work', { annotations: { idempotent: true } })
    await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    llm.send({ type: 'call', request_id: 'c', toolkit_id: 'pool', tool: 'work', params: {} })
    await first.next(({ type }) => type === 'call')
    await using second = await connectToolkit(server, key, 'work', { annotations: { idempotent: true } })
    second.socket.on('message', (data) => {
      const { type, request_id } = JSON.parse(data.toString()) as Record<string, unknown>
      if (type === 'call') second.send({ type: 'result', request_id, ok: true, result: 1 })
    })
    first.socket.terminate()
    const { ok, error } = await llm.next(({ type }) => type === 'result')
    expect(ok ? 'served' : (error as { code: string }).code).toBe(outcome)
  },
)
