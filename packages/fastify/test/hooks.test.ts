import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { createGunzip, gunzipSync, gzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import { errorCodes, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { atp } from '../src/index.ts'
import { createShop, jsonPost } from './support.ts'

describe("the app's hooks", () => {
  test('see requests to the routes at every stage, bodies parsed', async () => {
    await using app = fastify()
    const seen: unknown[] = []
    app.addHook('onRequest', async (request) => void seen.push(['onRequest', request.body]))
    app.addHook('preHandler', async (request) => void seen.push(['preHandler', request.body]))
    app.addHook('onSend', async (_request, reply, payload) => void seen.push(['onSend', reply.statusCode, payload]))
    app.addHook('onResponse', async (_request, reply) => void seen.push(['onResponse', reply.statusCode]))
    app.register(atp, { client: createShop(), authorize: 'public' })
    await app.inject(jsonPost('/atp/shop/price', { items: 2 }))
    expect(seen).toEqual([
      ['onRequest', undefined],
      ['preHandler', { items: 2 }],
      ['onSend', 200, '{"result":{"total":6}}'],
      ['onResponse', 200],
    ])
  })

  test('may change what is sent', async () => {
    await using app = fastify()
    app.addHook('onSend', async (_request, reply, payload) => {
      reply.header('x-served-by', 'shop-1')
      return typeof payload === 'string' ? payload.replace('result', 'outcome') : payload
    })
    app.register(atp, { client: createShop(), authorize: 'public' })
    const { body, headers } = await app.inject(jsonPost('/atp/shop/ping', {}))
    expect(body).toBe('{"outcome":"pong"}')
    expect(headers).toMatchObject({ 'x-served-by': 'shop-1', 'content-length': '18' })
  })

  test("a guard answers in the app's words, and its errors go to the app's error handler", async () => {
    await using app = fastify()
    app.setErrorHandler((error: Error, _request, reply) => reply.code(403).send({ own: error.message }))
    app.addHook('onRequest', async (request) => {
      if (request.headers['x-session'] !== 'valid') throw new Error('no session')
    })
    app.addHook('preValidation', async (request) => {
      if (request.headers['x-session-age'] === 'old') throw new Error('session is old')
    })
    app.register(atp, { client: createShop(), authorize: 'host' })
    const session = { 'x-session': 'valid' }
    const [without, old, valid] = await Promise.all([
      app.inject(jsonPost('/atp/shop/ping', {})),
      app.inject(jsonPost('/atp/shop/ping', {}, { ...session, 'x-session-age': 'old' })),
      app.inject(jsonPost('/atp/shop/ping', {}, session)),
    ])
    expect([without.statusCode, without.json()]).toEqual([403, { own: 'no session' }])
    expect([old.statusCode, old.json()]).toEqual([403, { own: 'session is old' }])
    expect([valid.statusCode, valid.json()]).toEqual([200, { result: 'pong' }])
  })

  test.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    '%s refuses a request with whatever error it throws, such as that of a parser',
    async (stage) => {
      const errors = [
        () => Object.assign(new SyntaxError('no session'), { statusCode: 400 }),
        () => new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE('no session'),
      ]
      for (const makeError of errors) {
        await using app = fastify()
        app.setErrorHandler((error: Error, _request, reply) => reply.code(403).send({ own: error.name }))
        app.addHook(stage, async () => {
          throw makeError()
        })
        app.register(atp, { client: createShop(), authorize: 'host' })
        const shop = '/atp/shop'
        for (const url of ['/utcp', '/atp/', '/atp/openapi.json', shop, `${shop}/ping`]) {
          for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
            expect([method, url, (await app.inject({ method, url })).statusCode]).toEqual([method, url, 403])
          }
        }
        const answers = await Promise.all([
          app.inject(jsonPost(`${shop}/ping`, {})),
          app.inject(jsonPost(`${shop}/nothing`, {})),
        ])
        expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403])
      }
    },
  )

  test('refuse a request without a body with the error that earlier JSON parsers throw', async () => {
    await using app = fastify()
    app.setErrorHandler((error: Error, _request, reply) => reply.code(403).send({ own: error.message }))
    app.addHook('preValidation', async () => {
      throw Object.assign(new SyntaxError('no session'), { statusCode: 400 })
    })
    app.register(atp, { client: createShop(), authorize: 'host' })
    for (const tool of ['ping', 'nothing']) {
      const answer = await app.inject({ method: 'POST', url: `/atp/shop/${tool}` })
      expect([answer.statusCode, answer.json()]).toEqual([403, { own: 'no session' }])
    }
  })

  test('that come after parsing are not passed by with a broken body where none is needed', async () => {
    await using app = fastify()
    app.addHook('preHandler', async (_request, reply) => reply.code(403).send('Sign in first'))
    app.register(atp, { client: createShop(), authorize: 'host' })
    const answer = await app.inject({ ...jsonPost('/atp/shop/ping', '{'), method: 'OPTIONS' })
    expect([answer.statusCode, answer.headers.allow]).toEqual([400, undefined])
  })

  test("an error in one of them after the routes' answer goes to the app's error handler", async () => {
    await using app = fastify()
    app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send({ own: error.message }))
    app.addHook('onSend', async (_request, reply) => {
      if (reply.statusCode === 200) throw new Error('cannot send')
    })
    app.register(atp, { client: createShop(), authorize: 'public' })
    expect((await app.inject(jsonPost('/atp/shop/ping', {}))).json()).toEqual({ own: 'cannot send' })
  })

  test('decorations of the request reach authorize and env', async () => {
    await using app = fastify()
    app.decorateRequest('user', '')
    app.addHook('onRequest', async (request) => {
      request.setDecorator('user', request.headers['x-user'] ?? '')
    })
    const shop = createShop()
    shop.registerTool({ name: 'whoami', description: 'Tells who calls' }, (_args, { env, principal }) => [
      env,
      principal,
    ])
    app.register(atp, {
      client: shop,
      authorize: ({ native }) => {
        const user = native.getDecorator<string>('user')
        return user !== '' && { id: user }
      },
      env: (request) => ({ agent: request.headers['user-agent'] }),
    })
    expect((await app.inject(jsonPost('/atp/shop/whoami', {}))).statusCode).toBe(401)
    const answer = await app.inject(jsonPost('/atp/shop/whoami', {}, { 'x-user': 'ada', 'user-agent': 'test' }))
    expect(answer.json()).toEqual({ result: [{ agent: 'test' }, { id: 'ada' }] })
  })
})

describe('@fastify/compress', () => {
  test('compresses answers', async () => {
    await using app = fastify()
    await app.register(compress, { threshold: 0 })
    app.register(atp, { client: createShop(), authorize: 'public' })
    const answer = await app.inject(jsonPost('/atp/shop/price', { items: 2 }, { 'accept-encoding': 'gzip' }))
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(answer.rawPayload).toString()).toBe('{"result":{"total":6}}')
    const head = await app.inject({ method: 'HEAD', url: '/atp/shop', headers: { 'accept-encoding': 'gzip' } })
    expect([head.statusCode, head.body]).toEqual([200, ''])
  })

  test('reads compressed bodies, of types that only the routes know too', async () => {
    await using app = fastify()
    await app.register(compress)
    app.register(atp, { client: createShop(), authorize: 'public' })
    const send = (contentType: string, body: string) =>
      app.inject({
        method: 'POST',
        url: '/atp/shop/price',
        headers: { 'content-type': contentType, 'content-encoding': 'gzip' },
        body: gzipSync(body),
      })
    for (const [type, body] of [
      ['application/json', '{"items":2}'],
      ['application/vnd.shop+json', '{"items":2}'],
      ['application/x-www-form-urlencoded', 'items=2'],
    ] as const) {
      expect([type, (await send(type, body)).json()]).toEqual([type, { result: { total: 6 } }])
    }
  })

  test('leaves events as they are, unless the app wants them compressed', async () => {
    await using app = fastify()
    await app.register(compress, { threshold: 0, customTypes: (type) => type.startsWith('text/event-stream') })
    app.register(atp, { client: createShop(), authorize: 'public' })
    const url = `${await app.listen({ port: 0 })}/atp/shop/ping`
    const outgoing = request(url, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'accept-encoding': 'gzip' },
    })
    outgoing.end()
    const [incoming] = await once(outgoing, 'response')
    expect(incoming.headers['content-encoding']).toBe('gzip')
    expect(await text(incoming.pipe(createGunzip()))).toBe('id: 1\nevent: result\ndata: {"result":"pong"}\n\n')
  })
})

describe('@fastify/cors', () => {
  test('answers preflights to the routes and marks their answers', async () => {
    await using app = fastify()
    await app.register(cors, { origin: 'https://app.example', exposedHeaders: ['x-request-id'] })
    app.register(atp, { client: createShop({ apiKey: 'shop-key-1' }) })
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    }
    const preflight = await app.inject({ method: 'OPTIONS', url: '/atp/shop/ping', headers })
    expect([preflight.statusCode, preflight.headers['access-control-allow-headers']]).toEqual([204, 'authorization'])
    const refused = await app.inject(jsonPost('/atp/shop/ping', {}, { origin: headers.origin }))
    expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([401, headers.origin])
    const own = await app.inject({ method: 'OPTIONS', url: '/own', headers })
    expect(own.statusCode).toBe(204)
  })

  test('leaves OPTIONS that is no preflight to the routes where the app says so', async () => {
    await using app = fastify()
    await app.register(cors, { origin: false })
    app.register(atp, { client: createShop() })
    const answer = await app.inject({ method: 'OPTIONS', url: '/atp/shop/ping' })
    expect([answer.statusCode, answer.headers.allow, answer.body]).toEqual([200, 'GET, HEAD, OPTIONS, POST', ''])
  })
})
