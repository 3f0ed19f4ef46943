import { silentLogger } from '@atp/core'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

it('compresses nothing, though the peer offers to', async () => {
  await using server = await startTestServer()
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/v2/llm`, {
    headers: { authorization: `Bearer ${server.keys.llmKey}` },
    perMessageDeflate: true,
  })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  expect(socket.extensions).toBe('')
  socket.terminate()
})

it('takes a message in 1,024 fragments and closes a peer that sends more', async () => {
  await using server = await startTestServer()
  const hello = JSON.stringify({ type: 'hello', protocol: 2, instance_id: 'i' })
  const sendIn = (socket: WebSocket, fragments: number): void => {
    const text = hello.padEnd(fragments)
    for (let index = 0; index < fragments - 1; index += 1) socket.send(text[index] ?? '', { fin: false })
    socket.send(text.slice(fragments - 1), { fin: true })
  }
  const route = { url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey, hello: false } as const
  await using good = await connectRawPeer(route)
  sendIn(good.socket, 1_024)
  await good.next(({ type }) => type === 'welcome')
  await using bad = await connectRawPeer(route)
  sendIn(bad.socket, 1_025)
  await expect(bad.closed).resolves.toBe(1008)
  expect(bad.frames).toEqual([])
})

it('answers 429 with Retry-After above the connects of a second', async () => {
  await using server = await startTestServer({ limits: { connectsPerSecond: 1 } })
  const address = `${server.url.replace('http', 'ws')}/ws/v2/llm`
  const headers = { authorization: `Bearer ${server.keys.llmKey}` }
  const knock = (): Promise<{ status: number | undefined; retryAfter: string | undefined }> =>
    new Promise((resolve) => {
      const socket = new WebSocket(address, { headers })
      socket.on('error', () => {})
      socket.on('open', () => {
        resolve({ status: 101, retryAfter: undefined })
        socket.terminate()
      })
      socket.on('unexpected-response', (request, response) => {
        resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] })
        request.destroy()
      })
    })
  // At once: on the slowest machine some of them share a second.
  const answers = await Promise.all(Array.from({ length: 20 }, knock))
  const refused = answers.filter(({ status }) => status !== 101)
  expect(refused.length).toBeGreaterThan(0)
  for (const each of refused) expect(each).toEqual({ status: 429, retryAfter: '1' })
})

it('takes no schema over the limits, whatever the toolkit’s own library lets through', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'large' })
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  const deep = (levels: number): object => (levels === 0 ? {} : { not: deep(levels - 1) })
  const properties = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`p${index}`, {}]))
  const input_schema = (more: object): Record<string, unknown> => ({ input_schema: { type: 'object', ...more } })
  const tools = [
    wireTool('deep', input_schema({ not: deep(40) })),
    wireTool('wide', input_schema({ properties })),
    wireTool('long', input_schema({ description: 'x'.repeat(65_536) })),
    wireTool('data', input_schema({ properties: { a: { maximum: { $data: '1/b' } } } })),
    wireTool('fine'),
  ]
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools })
  const answer = await peer.next(({ request_id }) => request_id === 'r')
  expect(answer.tools).toEqual(['fine'])
  expect(answer.rejected).toEqual(
    ['deep', 'wide', 'long', 'data'].map((name) => expect.objectContaining({ name, code: 'invalid_schema' })),
  )
})

it('does not let peers write into the log what and as often as they like', async () => {
  const loud: string[] = []
  const note = (event: string): void => void loud.push(event)
  const logger = { ...silentLogger, info: note, warn: note, error: note }
  await using server = await startTestServer({ logger })
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'noisy' })
  await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
  toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('work')] })
  await toolkit.next(({ request_id }) => request_id === 'r')
  const before = loud.length
  const error = { code: 'internal_error', message: 'no', retryable: false }
  for (const peer of [toolkit, llm]) {
    for (let i = 0; i < 100; i += 1) peer.send({ type: 'error', request_id: `e${i}`, error })
  }
  // A call that its toolkit cannot read is worth a line, and ends.
  toolkit.socket.on('message', (data) => {
    const { type, request_id } = JSON.parse(data.toString()) as Record<string, unknown>
    if (type === 'call') toolkit.send({ type: 'error', request_id, error })
  })
  llm.send({ type: 'call', request_id: 'c', toolkit_id: 'noisy', tool: 'work', params: {} })
  await expect(llm.next(({ request_id }) => request_id === 'c')).resolves.toMatchObject({ ok: false, error })
  expect(loud.slice(before)).toEqual(['toolkit.error'])
})
