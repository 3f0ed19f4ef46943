import { AtpError, silentLogger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bearerKey } from '../../src/gateway/bearer.ts'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { type KeyAccess, keyOf } from '../../src/gateway/route-access.ts'
import { defaultLimits } from '../../src/limits.ts'
import { makeCall } from '../support/make-call.ts'
import { readAnswer, sendRaw } from '../support/raw-http.ts'

const { key: storedKey } = makeCall().call
let app: FastifyInstance
let url: string
/** What keys were looked for, in order. */
let shown: string[]

beforeEach(async () => {
  shown = []
  app = createHttpApp({
    limits: { ...defaultLimits, llmFrameBytes: 100_000 },
    newId: () => 'id-1',
    checkOrigin: () => {},
    async authenticate(request, _kind, text = bearerKey(request.headers.authorization) ?? '') {
      shown.push(text)
      if (text !== 'good') throw new AtpError('unauthorized', 'The API key is wrong')
      return storedKey
    },
    logger: silentLogger,
  })
  const answer = async (request: Parameters<typeof keyOf>[0]) => ({ key: keyOf(request).id, body: request.body })
  const access = (legacyKey?: KeyAccess['legacyKey']) => ({
    config: { access: { kind: 'llm', ...(legacyKey && { legacyKey }) } as const },
  })
  app.post('/header', access(), answer)
  const readPath = ({ params }: Parameters<typeof keyOf>[0]): string => (params as { key: string }).key
  app.post('/inbox/:key', access({ in: 'address', read: readPath }), answer)
  const readBody = (body: unknown): string | undefined => (body as { api_key?: string } | undefined)?.api_key
  app.post('/body', access({ in: 'body', maxBytes: 1_000, read: readBody }), answer)
  url = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(async () => {
  app.server.closeAllConnections()
  await app.close()
})

function post(path: string, options: { key?: string; body?: string; more?: object } = {}): Promise<Response> {
  const { key, body = '{}', more } = options
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }), ...more }
  return fetch(url + path, { method: 'POST', headers, body })
}

const head = (path: string, key: string, more: string[]): string =>
  `${[`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Authorization: Bearer ${key}`, ...more].join('\r\n')}\r\n\r\n`

describe('a route that needs a key', () => {
  it('gives its handler the key', async () => {
    const answer = await post('/header', { key: 'good', body: '{"a":1}' })
    expect(await answer.json()).toEqual({ key: storedKey.id, body: { a: 1 } })
  })

  it('refuses a wrong key before any of the body has arrived', async () => {
    await using raw = await sendRaw(url, head('/header', 'bad', ['Content-Length: 90000']))
    const answer = readAnswer(await raw.saw(/request_id/))
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized', request_id: 'id-1' } })
  })

  it('does not parse the body of a wrong key', async () => {
    const answer = await post('/header', { key: 'bad', body: '{"broken' })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('lets a client with a wrong key finish its body, and serves the next request on the connection', async () => {
    const body = ' '.repeat(90_000)
    await using raw = await sendRaw(url, head('/header', 'bad', [`Content-Length: ${body.length}`]))
    await raw.saw(/request_id/)
    raw.socket.write(`${body}${head('/header', 'good', ['Content-Length: 2'])}{}`)
    expect(await raw.saw(/HTTP\/1.1 200/)).toContain('401')
  })

  it('ends the connection of a wrong key whose body does not end', async () => {
    await using raw = await sendRaw(url, head('/header', 'bad', ['Transfer-Encoding: chunked']))
    await raw.saw(/request_id/)
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    const writing = setInterval(() => raw.socket.write(chunk), 5)
    await raw.ended
    clearInterval(writing)
  })

  it('does not ask for the body of a wrong key', async () => {
    const more = ['Content-Length: 2', 'Expect: 100-continue']
    await using refused = await sendRaw(url, head('/header', 'bad', more))
    const answer = readAnswer(await refused.ended)
    expect(answer).toMatchObject({ status: 401, headers: { connection: 'close' } })
    await using served = await sendRaw(url, head('/header', 'good', more))
    await served.saw(/100 Continue/)
    served.socket.write('{}')
    await served.saw(/HTTP\/1.1 200/)
  })
})

describe('a key in the address', () => {
  it('is checked before the body, and is nothing beside an Authorization header', async () => {
    expect((await post('/inbox/good')).status).toBe(200)
    expect((await post('/inbox/bad', { body: '{"broken' })).status).toBe(401)
    expect((await post('/inbox/good', { key: 'bad' })).status).toBe(401)
    expect(shown).toEqual(['good', 'bad', 'bad'])
  })
})

describe('a key in the body', () => {
  const body = JSON.stringify({ api_key: 'good', a: 1 })

  it('is taken where there is no Authorization header', async () => {
    const answer = await post('/body', { body })
    expect(await answer.json()).toEqual({ key: storedKey.id, body: { api_key: 'good', a: 1 } })
    expect((await post('/body', { body: '{}' })).status).toBe(401)
    expect((await post('/body', { body: '' })).status).toBe(401)
    expect((await post('/body', { body, key: 'bad' })).status).toBe(401)
    expect(shown).toEqual(['good', '', '', 'bad'])
  })

  it('may stand in a small body only; with a header the body may be as large as elsewhere', async () => {
    const large = JSON.stringify({ api_key: 'good', x: 'x'.repeat(2_000) })
    const refused = await post('/body', { body: large })
    expect(refused.status).toBe(413)
    expect(await refused.json()).toMatchObject({
      code: 'payload_too_large',
      error: expect.stringContaining('1000 bytes'),
    })
    expect((await post('/body', { body: large, key: 'good' })).status).toBe(200)
    expect(shown).toEqual(['good'])
  })

  it('may stand in a small body only when its size is not told, too', async () => {
    const lines = ['POST /body HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Transfer-Encoding: chunked']
    const chunk = `7d0\r\n${' '.repeat(2_000)}\r\n`
    await using raw = await sendRaw(url, `${lines.join('\r\n')}\r\n\r\n${chunk}`)
    expect(readAnswer(await raw.saw(/request_id/))).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
    expect(shown).toEqual([])
  })

  it('is taken from a small body whose size is not told', async () => {
    const lines = ['POST /body HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Transfer-Encoding: chunked']
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    await using raw = await sendRaw(url, `${lines.join('\r\n')}\r\n\r\n${chunk}`)
    expect(await raw.saw(/HTTP\/1.1 \d+/)).toContain('200')
  })
})

it('refuses an address where nothing is before any of the body has arrived', async () => {
  await using raw = await sendRaw(url, head('/nowhere', 'bad', ['Content-Length: 90000']))
  expect(readAnswer(await raw.saw(/request_id/))).toMatchObject({ status: 404, body: { code: 'not_found' } })
})

it('refuses a route that does not say who may use it', () => {
  const own = createHttpApp({
    limits: defaultLimits,
    newId: () => 'id-1',
    checkOrigin: () => {},
    authenticate: async () => storedKey,
    logger: silentLogger,
  })
  expect(() => own.get('/forgotten', async () => ({}))).toThrow('does not say who may use it')
})
