import { Toolkit } from '@atp/core'
import formbody from '@fastify/formbody'
import { fastify, type InjectOptions } from 'fastify'
import { describe, expect, test } from 'vitest'
import { atp } from '../src/index.ts'
import { createShop, jsonPost } from './support.ts'

const mount = { client: createShop(), authorize: 'public' } as const

/** An injected POST of any type to a tool. */
function typedPost(contentType: string, body: string | Buffer, tool = 'price'): InjectOptions {
  return { method: 'POST', url: `/atp/shop/${tool}`, headers: { 'content-type': contentType }, body }
}

const boundary = 'x'
const multipart = `--${boundary}\r\ncontent-disposition: form-data; name="items"\r\n\r\n2\r\n--${boundary}--\r\n`

describe('bodies', () => {
  test.each([
    ['application/x-www-form-urlencoded', 'items=2'],
    [`multipart/form-data; boundary=${boundary}`, multipart],
    ['application/vnd.shop+json', '{"items":2}'],
    ['application/json; charset=utf-8', '{"items":2}'],
  ])('of the type %s work in an app that has no parser for it', async (type, body) => {
    await using app = fastify()
    app.register(atp, mount)
    expect((await app.inject(typedPost(type, body))).json()).toEqual({ result: { total: 6 } })
  })

  test('of a form are taken from the parser of the app that has one', async () => {
    await using app = fastify()
    const parsed: unknown[] = []
    await app.register(formbody)
    app.addHook('preHandler', async (request) => void parsed.push(request.body))
    app.register(atp, mount)
    const answer = await app.inject(typedPost('application/x-www-form-urlencoded', 'items=2'))
    expect(answer.json()).toEqual({ result: { total: 6 } })
    expect(parsed).toEqual([{ items: '2' }])
  })

  test('that a parser of the app leaves unread are read by the routes', async () => {
    await using app = fastify()
    // As @fastify/multipart does.
    app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))
    app.register(atp, mount)
    const answer = await app.inject(typedPost(`multipart/form-data; boundary=${boundary}`, multipart))
    expect(answer.json()).toEqual({ result: { total: 6 } })
  })

  test("are what the app's own JSON parser made of them", async () => {
    await using app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, async () => ({ items: 5 }))
    app.register(atp, mount)
    expect((await app.inject(jsonPost('/atp/shop/price', { items: 2 }))).json()).toEqual({ result: { total: 15 } })
  })

  test("are none when the app's own JSON parser says so of an empty text", async () => {
    await using app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, async () => undefined)
    app.register(atp, mount)
    expect((await app.inject(jsonPost('/atp/shop/ping', ''))).json()).toEqual({ result: 'pong' })
  })

  test('of unknown types pass by a parser for everything that the app has', async () => {
    await using app = fastify()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null, 'own'))
    app.register(atp, mount)
    app.post('/own', async (request) => request.body)
    const form = typedPost('application/x-www-form-urlencoded', 'items=2')
    expect((await app.inject(form)).json()).toEqual({ result: { total: 6 } })
    expect((await app.inject({ ...form, url: '/own' })).body).toBe('own')
  })

  test.each([
    ['without a content type', {}],
    ['of JSON', { 'content-type': 'application/json' }],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('that are empty, %s, stand for no arguments, and the connection stays', async (_how, headers) => {
    await using app = fastify()
    app.register(atp, mount)
    for (const tool of ['ping', 'price']) {
      const answer = await app.inject({ method: 'POST', url: `/atp/shop/${tool}`, headers })
      expect(answer.headers.connection).not.toBe('close')
      if (tool === 'ping') expect(answer.json()).toEqual({ result: 'pong' })
      else expect(answer.json()).toMatchObject({ code: 'missing_params' })
    }
  })

  test.each(['null', '""', JSON.stringify('{"items":2}'), '[]', '1'])(
    'that are JSON, but no object, are refused: %s',
    async (body) => {
      await using app = fastify()
      app.register(atp, mount)
      for (const tool of ['ping', 'price']) {
        const answer = await app.inject(jsonPost(`/atp/shop/${tool}`, body))
        expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_params'])
      }
    },
  )
})

describe("what Fastify's parsers refuse", () => {
  const refused: [string, InjectOptions, number, string][] = [
    ['broken JSON', jsonPost('/atp/shop/price', '{'), 400, 'invalid_json'],
    ['a poisoned prototype', jsonPost('/atp/shop/price', '{"__proto__":{"items":1}}'), 400, 'invalid_json'],
    ['a content type that is none', typedPost('json', '{}'), 415, 'unsupported_media_type'],
    ['a body above the limit', jsonPost('/atp/shop/price', { text: 'x'.repeat(2_000) }), 413, 'payload_too_large'],
    [
      'a form above the limit',
      typedPost('application/x-www-form-urlencoded', 'x'.repeat(2_000)),
      413,
      'payload_too_large',
    ],
  ]

  test.each(refused)('%s is answered in the shape of the routes', async (_what, request, status, code) => {
    await using app = fastify({ bodyLimit: 1_000 })
    app.register(atp, mount)
    const answer = await app.inject(request)
    expect([answer.statusCode, answer.json()]).toMatchObject([status, { code, error: expect.any(String) }])
    expect(answer.json().request_id).toMatch(/^req-/)
  })

  test.each(refused)('%s is answered only after all that comes before bodies', async (_what, request) => {
    await using app = fastify({ bodyLimit: 1_000 })
    app.register(atp, { client: createShop({ appName: 'closed', apiKey: 'shop-key-1' }), prefix: '/api' })
    const at = async (path: string, method: 'POST' | 'PUT' = 'POST') =>
      (await app.inject({ ...request, method, url: `/api/atp/${path}` })).json().code
    expect(await at('nothing/price')).toBe('toolkit_not_found')
    expect(await at('closed/nothing')).toBe('tool_not_found')
    expect(await at('closed')).toBe('method_not_allowed')
    expect(await at('closed/price', 'PUT')).toBe('method_not_allowed')
    expect(await at('closed/price')).toBe('unauthorized')
  })

  test('broken JSON is answered so, too, where the parser throws as those of earlier releases did', async () => {
    await using app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) => {
      try {
        return JSON.parse(body)
      } catch (error) {
        throw Object.assign(error as Error, { statusCode: 400 })
      }
    })
    app.register(atp, mount)
    const answer = await app.inject(jsonPost('/atp/shop/price', '{'))
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_json'])
    const url = `${await app.listen({ port: 0 })}/atp/shop/price`
    const sent = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
    expect(await sent.json()).toMatchObject({ code: 'invalid_json' })
  })

  test("what a parser of the app refuses in its own way is answered in the app's", async () => {
    await using app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, async () => {
      throw Object.assign(new Error('not signed'), { statusCode: 422 })
    })
    app.register(atp, mount)
    expect((await app.inject(jsonPost('/atp/shop/price', {}))).json()).toMatchObject({ message: 'not signed' })
  })

  test.each<[string, InjectOptions]>([
    ...refused.map(([what, request]): [string, InjectOptions] => [what, request]),
    ['an empty body', jsonPost('/atp/shop/ping', '')],
    [
      'an empty body of no type',
      { ...typedPost('json', '', 'ping'), headers: { 'content-type': 'json', 'content-length': '0' } },
    ],
  ])('%s never runs a tool past a guard that comes after parsing', async (_what, request) => {
    await using app = fastify({ bodyLimit: 1_000 })
    app.addHook('preHandler', async (_request, reply) => reply.code(403).send('Sign in first'))
    let runs = 0
    const shop = new Toolkit({ appName: 'shop' })
    for (const name of ['ping', 'price']) shop.registerTool({ name, description: 'Counts' }, () => (runs += 1))
    app.register(atp, { client: shop, authorize: 'host' })
    expect((await app.inject(request)).statusCode).toBeGreaterThanOrEqual(400)
    expect(runs).toBe(0)
  })

  test("an empty body is refused where the app's own JSON parser refuses it", async () => {
    await using app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'ignore'))
    app.register(atp, mount)
    const { headers } = jsonPost('/', '')
    for (const length of [{}, { 'content-length': '0' }]) {
      const answer = await app.inject({ method: 'POST', url: '/atp/shop/ping', headers: { ...headers, ...length } })
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_json'])
    }
  })
})
