import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Streams of events whose readers do not read: rules T6, T9 and X7. */

async function openStream(server: TestServer): Promise<IncomingMessage> {
  const body = JSON.stringify({
    type: 'task_request',
    request_id: 'r',
    toolkit_id: 'flood',
    payload: { function: 'work', parameters: {} },
  })
  const request = httpRequest(`${server.url}/api/v1/atp/llm-client/process/`, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${server.keys.llmKey}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      accept: 'text/event-stream, application/vnd.atp+json',
    },
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function connectToolkit(server: TestServer) {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'flood' })
  const peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('work')] })
  await peer.next(({ type }) => type === 'registered')
  return peer
}

const piece = 'x'.repeat(100_000)

it('keeps a bounded part of what nobody reads, ends that connection, and cancels the call', {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer({ limits: { streamKeepMs: 300 } })
  await using toolkit = await connectToolkit(server)
  const opened = openStream(server)
  const { request_id } = await toolkit.next(({ type }) => type === 'call')
  for (let sequence = 0; sequence < 1_500; sequence += 1) {
    toolkit.send({ type: 'chunk', request_id, sequence, data: piece })
    if (sequence % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  // Nobody reads the stream, and nobody comes back for what is kept of it.
  await expect(toolkit.next(({ type }) => type === 'cancel')).resolves.toMatchObject({ request_id })
  ;(await opened).destroy()
})

it('gives a reader that is slow all of it, in order, and the answer once', { timeout: 30_000 }, async () => {
  await using server = await startTestServer()
  await using toolkit = await connectToolkit(server)
  const opened = openStream(server)
  const { request_id } = await toolkit.next(({ type }) => type === 'call')
  for (let sequence = 0; sequence < 9; sequence += 1) toolkit.send({ type: 'chunk', request_id, sequence, data: piece })
  toolkit.send({ type: 'result', request_id, ok: true, result: 'done' })
  const response = await opened
  let text = ''
  for await (const part of response) {
    text += String(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(Array.from({ length: 11 }, (_, index) => index + 1))
  expect(text.match(/^event: answer$/gm)).toHaveLength(1)
})
