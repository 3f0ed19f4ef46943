import { expect, it } from 'vitest'
import { LegacyRefusal, openWireSocket, startFoundingServer } from '../../src/legacy/index.ts'

it.each([
  ['GET', '/api/v2/toolkits'],
  ['POST', '/api/v2/keys'],
  ['GET', '/healthz'],
  ['GET', '/'],
  ['GET', '/ws/v2/toolkit'],
])('answers %s %s with 404, as it knows v1 only', async (method, path) => {
  await using server = await startFoundingServer()
  const answer = await fetch(server.baseUrl + path, { method })
  expect(answer.status).toBe(404)
  expect(await answer.json()).toEqual({ error: 'Not found' })
})

it.each(['/ws/v2/toolkit', '/ws/v2/llm', '/ws/v1/other', '/'])('answers an upgrade at %s with 404', async (path) => {
  await using server = await startFoundingServer()
  const error = await openWireSocket(server.baseUrl.replace('http', 'ws') + path).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LegacyRefusal)
  expect(error).toMatchObject({ status: 404 })
})

it('tells what it was asked', async () => {
  await using server = await startFoundingServer()
  await fetch(`${server.baseUrl}/api/v2/keys`)
  await openWireSocket(`${server.baseUrl.replace('http', 'ws')}/ws/v2/llm`).catch(() => {})
  expect(server.seen).toEqual(['GET /api/v2/keys', 'GET /ws/v2/llm'])
})
