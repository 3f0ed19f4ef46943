import { afterAll, beforeAll, expect, it } from 'vitest'
import { generateKey } from '../../src/keys/key-format.ts'
import { readAnswer, sendRaw } from '../support/raw-http.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const process = '/api/v1/atp/llm-client/process/'

it.each([
  ['GET', process, 'POST', 'application/json'],
  ['DELETE', process.slice(0, -1), 'POST', 'application/json'],
  ['POST', '/healthz', 'GET, HEAD', 'application/json'],
  ['PUT', '/api/v2/keys', 'GET, HEAD, POST', 'application/problem+json'],
  ['POST', '/api/v2/keys/x', 'DELETE', 'application/problem+json'],
])('answers %s %s with 405 and the methods there are, without a key', async (method, path, allow, type) => {
  const answer = await fetch(server.url + path, { method })
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBe(allow)
  expect(answer.headers.get('content-type')).toContain(type)
  expect(await answer.json()).toMatchObject({ code: 'method_not_allowed', request_id: expect.any(String) })
})

it.each([process, '/api/v2/keys'])('refuses a wrong key on %s while its megabyte is still on the way', async (path) => {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(server.url).host}`,
    `Authorization: Bearer ${generateKey('admin')}`,
    'Content-Type: application/json',
    'Content-Length: 1000000',
  ]
  await using raw = await sendRaw(server.url, `${lines.join('\r\n')}\r\n\r\n`)
  expect(readAnswer(await raw.saw(/request_id/))).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
})

it('answers what is no HTTP in the shape of every other refusal', async () => {
  await using raw = await sendRaw(server.url, 'hello\r\n\r\n')
  expect(readAnswer(await raw.ended)).toMatchObject({
    status: 400,
    body: { error: expect.any(String), code: 'invalid_request', request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  })
})
