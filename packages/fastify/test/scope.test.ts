import { createRegistry } from '@atp/core'
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import atp, { atp as namedAtp } from '../src/index.ts'
import { createShop, jsonPost } from './support.ts'

describe('where the routes are', () => {
  test('the default export is the named one', () => {
    expect(atp).toBe(namedAtp)
  })

  test.each([
    { prefix: '/api', base: '/api' },
    { prefix: 'api', base: '/api' },
    { prefix: '/api/', base: '/api' },
    { prefix: '/', base: '' },
    { prefix: '/:tenant/v1', base: '/acme/v1' },
    { prefix: '/:tenant-:region', base: '/acme-eu' },
  ])('below the prefix $prefix the mount begins at $base/atp', async ({ prefix, base }) => {
    await using app = fastify()
    app.register(atp, { client: createShop(), authorize: 'public', prefix })
    for (const path of ['/atp', '/atp/', '/atp/shop', '/atp/shop/price/', '/atp/openapi.json', '/utcp', '/utcp/']) {
      const { statusCode } = await app.inject(base + path)
      expect([path, statusCode]).toEqual([path, 200])
    }
    const called = await app.inject(jsonPost(`${base}/atp/shop/price/?trace=1`, { items: 2 }))
    expect(called.json()).toEqual({ result: { total: 6 } })
    const manual = (await app.inject(`${base}/utcp`)).json()
    expect(manual.tools[0].tool_call_template.url).toBe(`http://localhost${base}/atp/shop/price/`)
  })

  test('a mount inside nested scopes has all their prefixes', async () => {
    await using app = fastify()
    app.register(
      async (outer) => {
        outer.register(
          async (inner) => {
            inner.register(atp, { client: createShop(), authorize: 'public', prefix: '/tools' })
          },
          { prefix: '/users/:user' },
        )
      },
      { prefix: '/v1' },
    )
    const url = '/v1/users/ada/tools'
    expect((await app.inject(jsonPost(`${url}/atp/shop/price`, { items: 1 }))).json()).toEqual({ result: { total: 3 } })
    const manual = (await app.inject(`${url}/utcp`)).json()
    expect(manual.tools[0].tool_call_template.url).toBe(`http://localhost${url}/atp/shop/price/`)
  })

  test('two mounts in one app keep apart', async () => {
    await using app = fastify()
    app.register(atp, { client: createShop(), authorize: 'public', prefix: '/open' })
    app.register(atp, { client: createShop({ apiKey: 'closed-key' }), prefix: '/closed' })
    expect((await app.inject(jsonPost('/open/atp/shop/ping', {}))).statusCode).toBe(200)
    expect((await app.inject(jsonPost('/closed/atp/shop/ping', {}))).statusCode).toBe(401)
  })

  test('a registry serves what is registered while the app runs', async () => {
    await using app = fastify()
    const registry = createRegistry()
    app.register(atp, { client: registry, authorize: 'public' })
    expect((await app.inject('/atp/shop')).statusCode).toBe(404)
    registry.registerClient('shop', createShop())
    expect((await app.inject('/atp/shop')).statusCode).toBe(200)
  })

  test('the manual moves with utcpPath, and is nowhere with false', async () => {
    await using app = fastify()
    app.register(atp, { client: createShop(), prefix: '/a', utcpPath: '/tools/manual/' })
    app.register(atp, { client: createShop(), prefix: '/b', utcpPath: false })
    const codes = await Promise.all(
      ['/a/tools/manual', '/a/tools/manual/', '/a/utcp', '/b/utcp', '/b/atp'].map((url) => app.inject(url)),
    )
    expect(codes.map(({ statusCode }) => statusCode)).toEqual([200, 200, 404, 404, 200])
  })

  test('options that cannot be meant fail when the app becomes ready', async () => {
    await using app = fastify()
    app.register(atp, { client: createShop(), authorize: { keys: [] } })
    await expect(app.ready()).rejects.toThrow('authorize must be')

    await using without = fastify()
    // @ts-expect-error: there is nothing to serve
    without.register(atp, { authorize: 'public' })
    await expect(without.ready()).rejects.toMatchObject({ code: 'invalid_config' })
  })

  test('the origin of addresses is what the app trusts', async () => {
    await using app = fastify()
    await using behindProxy = fastify({ trustProxy: true })
    for (const one of [app, behindProxy]) one.register(atp, { client: createShop() })
    const headers = { host: 'inside:3000', 'x-forwarded-host': 'example.com', 'x-forwarded-proto': 'https' }
    const [plain, trusting] = await Promise.all(
      [app, behindProxy].map(async (one) => (await one.inject({ url: '/utcp', headers })).json()),
    )
    expect(plain.tools[0].tool_call_template.url).toBe('http://inside:3000/atp/shop/price/')
    expect(trusting.tools[0].tool_call_template.url).toBe('https://example.com/atp/shop/price/')
  })
})

describe('what the app has of its own', () => {
  test('own paths, even near ones, stay with the app', async () => {
    await using app = fastify()
    app.register(atp, { client: createShop() })
    app.get('/atpx', () => 'own')
    app.get('/atp-status', () => 'own')
    app.get('/utcp/help', () => 'own')
    for (const url of ['/atpx', '/atp-status', '/utcp/help']) expect((await app.inject(url)).body).toBe('own')
    expect((await app.inject('/elsewhere')).json()).toMatchObject({ statusCode: 404, error: 'Not Found' })
  })

  test("neither our parsers nor our error handler reach the app's routes", async () => {
    await using app = fastify()
    app.register(atp, { client: createShop() })
    app.post('/own', () => 'own')
    const [xml, broken] = await Promise.all([
      app.inject({ method: 'POST', url: '/own', headers: { 'content-type': 'application/xml' }, body: '<a/>' }),
      app.inject(jsonPost('/own', '{')),
    ])
    expect(xml.json()).toMatchObject({ statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' })
    expect(broken.json()).toMatchObject({ statusCode: 400, code: 'FST_ERR_CTP_INVALID_JSON_BODY' })
    expect(app.hasContentTypeParser('application/x-www-form-urlencoded')).toBe(false)
  })

  test("an error handler and a 404 handler of the app stay the app's", async () => {
    await using app = fastify()
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send('own error'))
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('own 404'))
    app.register(atp, { client: createShop(), authorize: 'public' })
    app.post('/own', () => 'own')
    const answers = await Promise.all([
      app.inject(jsonPost('/own', '{')),
      app.inject('/nowhere'),
      app.inject(jsonPost('/atp/shop/price', '{')),
      app.inject('/atp/nowhere'),
    ])
    expect(answers.map(({ body }) => body).slice(0, 2)).toEqual(['own error', 'own 404'])
    expect(answers.slice(2).map((answer) => answer.json().code)).toEqual(['invalid_json', 'toolkit_not_found'])
  })
})

describe("Fastify's settings of the router", () => {
  const withRouter = (routerOptions: object): FastifyInstance => {
    const app = fastify({ routerOptions, exposeHeadRoutes: false })
    app.register(atp, { client: createShop({ appName: longName }), authorize: 'public', prefix: '/api' })
    return app
  }
  const longName = 'long '.repeat(25).trim()
  const tool = `/api/atp/${encodeURIComponent(longName)}/price`

  test.each([
    { ignoreTrailingSlash: true },
    { ignoreDuplicateSlashes: true },
    { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    { caseSensitive: false },
    { useSemicolonDelimiter: true },
    { maxParamLength: 4 },
  ])('%j changes nothing for plain paths, long names included', async (routerOptions) => {
    await using app = withRouter(routerOptions)
    for (const path of ['/api/atp', '/api/atp/', '/api/utcp', '/api/utcp/', tool, `${tool}/`]) {
      expect([path, (await app.inject(path)).statusCode]).toEqual([path, 200])
    }
    expect((await app.inject({ url: tool, method: 'HEAD' })).statusCode).toBe(200)
    expect((await app.inject(jsonPost(tool, { items: 1 }))).json()).toEqual({ result: { total: 3 } })
  })

  test('what only the router takes for one of our paths is not found', async () => {
    await using app = withRouter({ caseSensitive: false, ignoreDuplicateSlashes: true, useSemicolonDelimiter: true })
    for (const path of ['/api/ATP/', '/api//atp', '/api/%61tp', '/api/atp;a=b']) {
      expect([path, (await app.inject(path)).statusCode]).toEqual([path, 404])
    }
  })

  test('methods that the app adds are answered by the routes too', async () => {
    await using app = fastify()
    app.addHttpMethod('PROPFIND', { hasBody: true })
    app.register(atp, { client: createShop() })
    const answers = await Promise.all(
      ['PROPFIND', 'QUERY', 'TRACE', 'DELETE'].map((method) =>
        app.inject({ method: method as 'DELETE', url: '/atp/shop/price' }),
      ),
    )
    for (const { statusCode, headers } of answers) {
      expect([statusCode, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS, POST'])
    }
  })
})
