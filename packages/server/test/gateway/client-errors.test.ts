import { type Logger, silentLogger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { defaultLimits } from '../../src/limits.ts'
import { makeCall } from '../support/make-call.ts'
import { readAnswer, sendRaw } from '../support/raw-http.ts'

const secret = 'atp_llm_canary0123456789canary'
let app: FastifyInstance
let url: string
let logged: string[]

beforeEach(async () => {
  logged = []
  const log = (event: string, fields?: object): void => void logged.push(JSON.stringify({ event, ...fields }))
  const logger: Logger = { ...silentLogger, debug: log, info: log, warn: log, error: log }
  app = createHttpApp({
    limits: defaultLimits,
    newId: () => 'id-1',
    checkOrigin: () => {},
    authenticate: async () => makeCall().call.key,
    logger,
  })
  const access = { config: { access: { kind: 'llm' } } } as const
  app.post('/post', access, async () => ({ ok: true }))
  app.get('/api/v2/things/:id', access, async () => ({ ok: true }))
  app.delete('/api/v2/things/:id', access, async () => ({ ok: true }))
  url = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(async () => {
  app.server.closeAllConnections()
  await app.close()
})

it.each([
  ['text that is no HTTP', `${secret}\r\n\r\n`, 400, 'invalid_request'],
  ['an unknown method', `${secret} / HTTP/1.1\r\nHost: x\r\n\r\n`, 400, 'invalid_request'],
  ['a broken version', `GET /${secret} HTTP/9\r\nHost: x\r\n\r\n`, 400, 'invalid_request'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'invalid_request'],
  ['TLS', Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), 400, 'invalid_request'],
  ['a broken header', `GET / HTTP/1.1\r\nHost: x\r\nX-${secret}\r\n\r\n`, 400, 'invalid_request'],
  ['a header block above 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${secret.repeat(1_000)}`, 431, 'payload_too_large'],
  ['an address above 16 KiB', `GET /${secret.repeat(1_000)}`, 431, 'payload_too_large'],
  [
    'two lengths',
    `POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'invalid_request',
  ],
  [
    'a broken chunk',
    `POST /post HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${secret}\r\n`,
    400,
    'invalid_request',
  ],
  [
    'an Expect that nobody can meet',
    `POST /post HTTP/1.1\r\nHost: x\r\nExpect: ${secret}\r\nContent-Length: 2\r\n\r\n{}`,
    417,
    'invalid_request',
  ],
  ['CONNECT', `CONNECT ${secret}:443 HTTP/1.1\r\nHost: x\r\n\r\n`, 400, 'invalid_request'],
])('answers %s in our shape, says nothing of it, and ends the connection', async (_what, text, status, code) => {
  await using raw = await sendRaw(url, text)
  const answer = readAnswer(await raw.ended)
  expect(answer).toMatchObject({
    status,
    headers: { connection: 'close', 'content-type': expect.stringContaining('json') },
    body: { error: expect.any(String), code, request_id: 'id-1' },
  })
  expect(raw.received()).not.toContain('canary')
  expect(logged.join()).not.toContain('canary')
})

it('answers an Expect on an admin address as a problem', async () => {
  const lines = ['GET /api/v2/things/1 HTTP/1.1', 'Host: x', 'Expect: the-unexpected', '', '']
  await using raw = await sendRaw(url, lines.join('\r\n'))
  expect(readAnswer(await raw.ended)).toMatchObject({
    status: 417,
    headers: { 'content-type': 'application/problem+json' },
    body: { status: 417, code: 'invalid_request', detail: expect.any(String), type: 'urn:atp:error:invalid_request' },
  })
})

it('answers a request that does not arrive in time', async () => {
  // Noticed at the next of Node's checks, which come every five seconds.
  app.server.headersTimeout = 1
  await using raw = await sendRaw(url, `GET /${secret}`)
  expect(readAnswer(await raw.ended)).toMatchObject({ status: 408, body: { code: 'invalid_request' } })
  expect(logged.join()).toContain('ERR_HTTP_REQUEST_TIMEOUT')
  expect(logged.join()).not.toContain('canary')
})

it('writes no second answer into one that is under way', async () => {
  app.server.prependListener('request', (_request, response) => response.flushHeaders())
  const head = 'POST /post HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
  await using raw = await sendRaw(url, head)
  await raw.saw(/200 OK/)
  raw.socket.write('nonsense\r\n')
  expect(await raw.ended).not.toContain('400')
})

it('needs a Host header in HTTP/1.1', async () => {
  await using raw = await sendRaw(url, 'GET /api/v2/things/1 HTTP/1.1\r\nConnection: close\r\n\r\n')
  expect(readAnswer(await raw.ended)).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', request_id: 'id-1' },
  })
})

it.each([
  ['GET', '/post', 'POST'],
  ['PUT', '/post?x=1', 'POST'],
  ['PATCH', '/api/v2/things/1', 'DELETE, GET, HEAD'],
  ['OPTIONS', '/api/v2/things/1', 'DELETE, GET, HEAD'],
  ['PROPFIND', '/api/v2/things/1', 'DELETE, GET, HEAD'],
])('answers %s %s with 405 and the methods there are', async (method, path, allow) => {
  const answer = await fetch(url + path, { method })
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBe(allow)
  expect(await answer.json()).toMatchObject({ code: 'method_not_allowed', request_id: 'id-1' })
})

it.each(['/posts', '/post/1', '/api/v2/things', '/api/v2/things/1/2', '/'])(
  'answers 404 on %s, with any method',
  async (path) => {
    for (const method of ['GET', 'PUT', 'PROPFIND']) expect((await fetch(url + path, { method })).status).toBe(404)
  },
)
