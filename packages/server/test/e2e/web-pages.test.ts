import { request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* What a page in somebody's browser could try against a server on the same machine. */

const allowed = 'https://console.example'
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ allowedOrigins: [allowed] })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** `fetch` sets Host by itself, so this does not use it. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; headers: string[] }> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode, headers: Object.keys(answer.headers) })
    })
    sent.on('error', reject).end()
  })
}

const paths = ['/healthz', '/api/v2/keys', '/api/v1/atp/llm-client/process/', '/nowhere']
const key = (): Record<string, string> => ({ authorization: `Bearer ${server.keys.adminKey}` })

it.each(paths)('a Host that is not loopback is refused at %s, with a key or without', async (path) => {
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80', '10.0.0.5']) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      expect((await ask(method, path, { host, ...key() })).status, `${method} ${host}`).toBe(403)
      expect((await ask(method, path, { host })).status, `${method} ${host}`).toBe(403)
    }
  }
})

it.each(paths)('a foreign Origin is refused at %s, whatever it is', async (path) => {
  for (const origin of [
    'https://evil.example',
    'null',
    'http://127.0.0.1',
    `${allowed}.evil.example`,
    'http://console.example',
  ]) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      expect((await ask(method, path, { origin, ...key() })).status, `${method} ${origin}`).toBe(403)
    }
  }
})

it('no answer allows other origins to read it, not even to an origin that may ask', async () => {
  const preflight = { 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' }
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { headers } = await ask(method, path, { origin: allowed, ...preflight, ...key() })
      expect(headers.filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  }
  expect((await ask('GET', '/api/v2/keys', { origin: allowed, ...key() })).status).toBe(200)
})

it('a page of an allowed origin may open a socket, no other one', async () => {
  const peer = { url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey } as const
  await using _served = await connectRawPeer({ ...peer, headers: { origin: allowed } })
  for (const origin of ['null', `${allowed}:8443`, 'http://console.example']) {
    await expect(connectRawPeer({ ...peer, headers: { origin } })).rejects.toMatchObject({ status: 403 })
  }
})
