import { expect, it } from 'vitest'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* A toolkit whose connection is lost while it works comes back with its answers. */

async function connectProcess(
  server: TestServer,
  key: string,
  instanceId: string,
  tool: object = wireTool('work'),
): Promise<RawPeer> {
  const hello = { instance_id: instanceId, capabilities: ['results'] }
  const peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key, hello })
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [tool] })
  await peer.next(({ type }) => type === 'registered')
  return peer
}

it('keeps a call whose connection was cut while it ran, and gets its one result over the next one', async () => {
  await using server = await startTestServer()
  const { hostname, port } = new URL(server.url)
  await using proxy = await startTcpProxy({ host: hostname, port: Number(port) })
  let runs = 0
  let finish = (): void => {}
  const toolkit = await server.toolkit({
    appName: 'far',
    baseUrl: `http://127.0.0.1:${proxy.port}`,
    backoff: { baseMs: 10, maxMs: 50 },
  })
  toolkit.registerTool({ name: 'work', description: '', params: { type: 'object' } }, () => {
    runs += 1
    return new Promise((resolve) => {
      finish = () => resolve('done')
    })
  })
  await toolkit.start()
  const outcome = server.llm().call({ toolkitId: 'far', tool: 'work' })
  await expect.poll(() => runs).toBe(1)
  const again = new Promise<void>((resolve) => {
    toolkit.on('connected', () => resolve())
  })
  proxy.cut()
  await again
  finish()
  await expect(outcome).resolves.toBe('done')
  expect(runs).toBe(1)
})

it('acknowledges results, those that nobody waits for too', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'near' })
  await using peer = await connectProcess(server, key, 'i1')
  const outcome = server.llm().call({ toolkitId: 'near', tool: 'work' })
  const call = await peer.next(({ type }) => type === 'call')
  peer.send({ type: 'result', request_id: call.request_id, ok: true, result: 1 })
  peer.send({ type: 'result', request_id: 'unknown', ok: true, result: 2 })
  await expect(peer.next(({ type }) => type === 'received')).resolves.toMatchObject({
    request_ids: [call.request_id, 'unknown'],
  })
  await expect(outcome).resolves.toBe(1)
})

it('closes the older one of two connections of one process, and gives its calls to the newer', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'near' })
  const older = await connectProcess(server, key, 'i1')
  const outcome = server.llm().call({ toolkitId: 'near', tool: 'work' })
  const call = await older.next(({ type }) => type === 'call')
  await using newer = await connectProcess(server, key, 'i1')
  await expect(older.closed).resolves.toBe(4409)
  newer.send({ type: 'running', request_ids: [call.request_id] })
  newer.send({ type: 'result', request_id: call.request_id, ok: true, result: 'from the newer one' })
  await expect(outcome).resolves.toBe('from the newer one')
})

it('ends at once what a process that came back does not have any more', async () => {
  await using server = await startTestServer({ limits: { resumeMs: 60_000 } })
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'near' })
  const older = await connectProcess(server, key, 'i1')
  const outcome = server
    .llm()
    .call({ toolkitId: 'near', tool: 'work' })
    .catch((error: unknown) => error)
  await older.next(({ type }) => type === 'call')
  older.socket.terminate()
  await using newer = await connectProcess(server, key, 'i1')
  newer.send({ type: 'running', request_ids: [] })
  expect(await outcome).toMatchObject({ code: 'toolkit_disconnected' })
})

it.each([true, false])(
  'knows after a restart which process a stored call was for, and that it does not have it (idempotent: %s)',
  async (idempotent) => {
    const limits = { restoreMs: 600_000 }
    const tool = { ...wireTool('work'), annotations: { idempotent } }
    const before = await startTestServer({ keepData: true, limits })
    const { key } = await before.server.createKey({ kind: 'toolkit', name: 'near' })
    const lost = await connectProcess(before, key, 'i1', tool)
    const { llmKey } = before.keys
    const call = { toolkitId: 'near', tool: 'work' }
    const { callId } = (await before.llm().call({ ...call, detach: true })) as { callId: string }
    await lost.next(({ type }) => type === 'call')
    await before[Symbol.asyncDispose]()
    await using after = await startTestServer({ dataDir: before.dataDir, limits })
    await using another = await connectProcess(after, key, 'i2', tool)
    another.send({ type: 'running', request_ids: [] })
    const llm = after.llm({ apiKey: llmKey })
    await expect(llm.getCall(callId)).resolves.toMatchObject({ status: 'running' })
    const outcome = llm.waitForCall(callId).catch((error: unknown) => error)
    await using back = await connectProcess(after, key, 'i1', tool)
    back.send({ type: 'running', request_ids: [] })
    if (!idempotent) return expect(await outcome).toMatchObject({ code: 'toolkit_disconnected' })
    const { request_id } = await back.next(({ type }) => type === 'call')
    back.send({ type: 'result', request_id, ok: true, result: 'the second time' })
    expect(await outcome).toBe('the second time')
  },
)

it('sends a stored call after a restart to the process that was to get it and promises that it never did', async () => {
  const before = await startTestServer({ keepData: true })
  const { key } = await before.server.createKey({ kind: 'toolkit', name: 'near' })
  const lost = await connectProcess(before, key, 'i1')
  const { llmKey } = before.keys
  const call = { toolkitId: 'near', tool: 'work', params: { n: 7 } }
  const { callId } = (await before.llm().call({ ...call, detach: true })) as { callId: string }
  await lost.next(({ type }) => type === 'call')
  await before[Symbol.asyncDispose]()
  await using after = await startTestServer({ dataDir: before.dataDir })
  await using back = await connectProcess(after, key, 'i1')
  back.send({ type: 'running', request_ids: [], complete: true })
  const { request_id, params } = await back.next(({ type }) => type === 'call')
  expect({ request_id, params }).toEqual({ request_id: callId, params: { n: 7 } })
  back.send({ type: 'result', request_id, ok: true, result: 'once' })
  await expect(after.llm({ apiKey: llmKey }).waitForCall(callId)).resolves.toBe('once')
})

it('ends what nobody comes back for within five seconds', async () => {
  await using server = await startTestServer({ limits: { resumeMs: 100 } })
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'near' })
  const peer = await connectProcess(server, key, 'i1')
  const outcome = server
    .llm()
    .call({ toolkitId: 'near', tool: 'work' })
    .catch((error: unknown) => error)
  await peer.next(({ type }) => type === 'call')
  peer.socket.terminate()
  expect(await outcome).toMatchObject({ code: 'toolkit_disconnected' })
})

it('gives a call of another toolkit to nobody who asks for it', async () => {
  await using server = await startTestServer({ limits: { resumeMs: 300 } })
  const mine = await server.server.createKey({ kind: 'toolkit', name: 'mine' })
  const other = await server.server.createKey({ kind: 'toolkit', name: 'other' })
  const peer = await connectProcess(server, mine.key, 'i1')
  const outcome = server
    .llm()
    .call({ toolkitId: 'mine', tool: 'work' })
    .catch((error: unknown) => error)
  const call = await peer.next(({ type }) => type === 'call')
  peer.socket.terminate()
  await using thief = await connectProcess(server, other.key, 'i1')
  thief.send({ type: 'running', request_ids: [call.request_id] })
  thief.send({ type: 'result', request_id: call.request_id, ok: true, result: 'forged' })
  expect(await outcome).toMatchObject({ code: 'toolkit_disconnected' })
})
