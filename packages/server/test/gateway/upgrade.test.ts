import { expect, it, vi } from 'vitest'
import { KeyGuard } from '../../src/gateway/key-guard.ts'
import { readAnswer, sendRaw } from '../support/raw-http.ts'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

const handshake =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

it('refuses a handshake in the shape of every refusal over HTTP', async () => {
  await using server = await startTestServer({ limits: { refusalDelayMs: 0 } })
  const { host } = new URL(server.url)
  await using raw = await sendRaw(
    server.url,
    `GET /ws/v2/toolkit HTTP/1.1\r\nHost: ${host}\r\n${handshake}Authorization: Bearer no\r\n\r\n`,
  )
  expect(readAnswer(await raw.ended)).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
    body: { code: 'unauthorized', request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  })
})

it('lets no peer in whose key was still looked up when the server began to close', async () => {
  const server = await startTestServer()
  const found = Promise.withResolvers<void>()
  const authenticate = vi.spyOn(KeyGuard.prototype, 'authenticate').mockImplementation(async () => {
    await found.promise
    return {
      id: 'key',
      projectId: 'p',
      kind: 'llm',
      name: '',
      toolkitId: null,
      createdAt: 0,
      expiresAt: null,
      revokedAt: null,
    }
  })
  try {
    const knocking = connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey, hello: false })
    const refused = expect(knocking).rejects.toMatchObject({
      status: 503,
      body: expect.stringContaining('server_shutting_down'),
    })
    await vi.waitFor(() => expect(authenticate).toHaveBeenCalled())
    const closed = server[Symbol.asyncDispose]()
    found.resolve()
    await refused
    await closed
  } finally {
    vi.restoreAllMocks()
  }
})
