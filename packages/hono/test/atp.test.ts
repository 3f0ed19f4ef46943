import { AtpError, createRegistry } from '@atp/core'
import { type Context, Hono } from 'hono'
import { Hono as QuickHono } from 'hono/quick'
import { Hono as TinyHono } from 'hono/tiny'
import { describe, expect, it } from 'vitest'
import { type AtpHonoOptions, atp } from '../src/index.ts'
import { createPlaces, json } from './support/places-toolkit.ts'

const open = { authorize: 'public' } as const satisfies AtpHonoOptions

/** What the app tells of where its tools are: only right when the mount knows its own place. */
async function manualUrl(app: Hono, path: string): Promise<string | undefined> {
  const manual = (await (await app.request(path)).json()) as { tools?: { tool_call_template: { url: string } }[] }
  return manual.tools?.[0]?.tool_call_template.url
}

describe('where it is mounted', () => {
  it.each([
    ['at the root', () => new Hono().route('/', atp(createPlaces(), open)), ''],
    ['under a path', () => new Hono().route('/api', atp(createPlaces(), open)), '/api'],
    ['under a path with a final slash', () => new Hono().route('/api/', atp(createPlaces(), open)), '/api'],
    ['in an app with a base path', () => new Hono().basePath('/v1').route('/', atp(createPlaces(), open)), '/v1'],
    [
      'in a sub-app of such an app',
      () => new Hono().basePath('/v1').route('/a/b', atp(createPlaces(), open)),
      '/v1/a/b',
    ],
    ['under a parameter', () => new Hono().route('/of/:tenant', atp(createPlaces(), open)), '/of/acme'],
    [
      'under a percent-encoded parameter',
      () => new Hono().route('/of/:tenant', atp(createPlaces(), open)),
      '/of/%C3%A9%20%25',
    ],
    ['under a pattern', () => new Hono().route('/:year{[0-9]+}', atp(createPlaces(), open)), '/2026'],
    ['in a tiny app', () => new TinyHono().route('/api', atp(createPlaces(), open)), '/api'],
    ['in a quick app', () => new QuickHono().route('/api', atp(createPlaces(), open)), '/api'],
    [
      'in an app that ignores final slashes',
      () => new Hono({ strict: false }).route('/:x', atp(createPlaces(), open)),
      '/%C3%A9',
    ],
  ] as const)('serves all its routes %s', async (_where, create, base) => {
    const app = create()
    for (const path of [
      '/atp',
      '/atp/',
      '/atp/places',
      '/atp/places/',
      '/atp/places/echo',
      '/atp/places/echo/',
      '/utcp/',
    ]) {
      expect([path, (await app.request(`${base}${path}`)).status]).toEqual([path, 200])
    }
    const answer = await app.request(`${base}/atp/places/echo/?x=1`, json({ city: 'Oslo' }))
    expect(await answer.json()).toEqual({ result: { city: 'Oslo', days: 1 } })
    expect(await manualUrl(app, `${base}/utcp`)).toBe(`http://localhost${base}/atp/places/echo/`)
  })

  it('serves toolkits whose names need encoding', async () => {
    const registry = createRegistry()
    registry.registerClient('Büro 100%', createPlaces())
    const app = new Hono({ strict: false }).route('/:tenant', atp(registry, open))
    const url = await manualUrl(app, '/caf%C3%A9/utcp')
    expect(url).toBe('http://localhost/caf%C3%A9/atp/B%C3%BCro%20100%25/echo/')
    const answer = await app.request(url ?? '', json({ city: 'Oslo' }))
    expect(await answer.json()).toEqual({ result: { city: 'Oslo', days: 1 } })
  })

  it('serves where the app routes by host name', async () => {
    const app = new Hono({ getPath: (request) => request.url.replace(/^https?:\/([^?]+).*$/, '$1') })
    app.route('/tools.example', atp(createPlaces(), open))
    const answer = await app.request('https://tools.example/atp/places/echo', json({ city: 'Oslo' }))
    expect(await answer.json()).toEqual({ result: { city: 'Oslo', days: 1 } })
    expect(await manualUrl(app, 'https://tools.example/utcp')).toBe('https://tools.example/atp/places/echo/')
    expect((await app.request('https://other.example/atp')).status).toBe(404)
  })

  it('serves below a path that the app takes off before routing', async () => {
    const app = new Hono({ getPath: (request) => new URL(request.url).pathname.replace('/proxy', '') })
    app.route('/', atp(createPlaces(), open))
    expect(await manualUrl(app, '/proxy/utcp')).toBe('http://localhost/proxy/atp/places/echo/')
    expect((await app.request('/proxy/atp/places/echo', json({ city: 'Oslo' }))).status).toBe(200)
  })

  it('leaves every other path to the app, whatever comes before or after it', async () => {
    const app = new Hono()
    app.get('/before', (c) => c.text('before'))
    app.route('/', atp(createPlaces(), open))
    app.all('*', (c) => c.text(`after ${c.req.method}`, 418))
    expect(await (await app.request('/before')).text()).toBe('before')
    for (const path of ['/', '/atpx', '/utcpx', '/utcp/x', '/x/atp', '/atp-console']) {
      expect([path, (await app.request(path)).status]).toEqual([path, 418])
    }
    expect(await (await app.request('/other', { method: 'POST' })).text()).toBe('after POST')
  })

  it('serves two mounts with settings of their own', async () => {
    const app = new Hono()
    app.route('/open', atp(createPlaces('one'), open))
    app.route('/closed', atp(createPlaces('two')))
    expect((await app.request('/open/atp/one/echo', json({ city: 'Oslo' }))).status).toBe(200)
    expect((await app.request('/closed/atp/two/echo', json({ city: 'Oslo' }))).status).toBe(401)
    expect((await app.request('/open/atp/two/echo', json({ city: 'Oslo' }))).status).toBe(404)
  })

  it('answers every method itself, those that no route of the app knows too', async () => {
    const app = new Hono().route('/', atp(createPlaces(), open))
    for (const method of ['PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      const answer = await app.request('/atp/places/echo', { method })
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD, OPTIONS, POST'])
    }
    const head = await app.request('/atp/places', { method: 'HEAD' })
    expect([head.status, await head.text(), Number(head.headers.get('content-length')) > 100]).toEqual([200, '', true])
  })
})

describe('the option utcpPath', () => {
  it.each(['/tools/manual.json', '/tools/manual.json/'])(
    'moves the manual to %s, in both slash forms',
    async (utcpPath) => {
      const app = new Hono().route('/api', atp(createPlaces(), { ...open, utcpPath }))
      expect(await manualUrl(app, '/api/tools/manual.json')).toBe('http://localhost/api/atp/places/echo/')
      expect(await manualUrl(app, '/api/tools/manual.json/')).toBe('http://localhost/api/atp/places/echo/')
      expect((await app.request('/api/utcp')).status).toBe(404)
    },
  )

  it('leaves the path to the app when it is false', async () => {
    const app = new Hono().route('/', atp(createPlaces(), { ...open, utcpPath: false }))
    app.get('/utcp', (c) => c.text('mine'))
    expect(await (await app.request('/utcp')).text()).toBe('mine')
  })

  it('is refused at once when it is no path', () => {
    expect(() => atp(createPlaces(), { utcpPath: 'utcp' })).toThrow(AtpError)
  })
})

describe('the context of Hono', () => {
  interface AppEnv {
    Bindings: { REGION: string }
    Variables: { user: string }
  }

  it('makes the env of tools', async () => {
    const app = new Hono<AppEnv>()
    app.use(async (c, next) => {
      c.set('user', 'ada')
      await next()
    })
    app.route('/', atp<AppEnv>(createPlaces(), { ...open, env: (c) => ({ ...c.env, user: c.get('user') }) }))
    const answer = await app.request('/atp/places/show_env', json({}), { REGION: 'north' })
    expect(await answer.json()).toEqual({ result: { REGION: 'north', user: 'ada' } })
  })

  it('takes its type from the annotation of a callback too', async () => {
    const env = (c: Context<AppEnv>): string => c.env.REGION.toUpperCase()
    const app = new Hono<AppEnv>().route('/', atp(createPlaces(), { ...open, env }))
    const answer = await app.request('/atp/places/show_env', json({}), { REGION: 'north' })
    expect(await answer.json()).toEqual({ result: 'NORTH' })
  })

  it('is what authorize finds as request.native', async () => {
    const app = new Hono<AppEnv>().route(
      '/',
      atp<AppEnv>(createPlaces(), {
        authorize: (request) => {
          const { REGION } = request.native.env
          return request.header('x-region') === REGION && { id: REGION }
        },
      }),
    )
    const call = (region: string): Response | Promise<Response> =>
      app.request('/atp/places/show_caller', json({}, { 'x-region': region }), { REGION: 'north' })
    expect(await (await call('north')).json()).toEqual({ result: { id: 'north' } })
    expect((await call('south')).status).toBe(401)
  })
})

describe('a body that the app has read already', () => {
  const readers: Record<string, (c: Context) => Promise<unknown>> = {
    json: (c) => c.req.json(),
    text: (c) => c.req.text(),
    arrayBuffer: (c) => c.req.arrayBuffer(),
    blob: (c) => c.req.blob(),
    parseBody: (c) => c.req.parseBody(),
    formData: (c) => c.req.formData(),
    'text, then json': async (c) => [await c.req.text(), await c.req.json()],
  }

  function appThatReads(read: (c: Context) => Promise<unknown>): Hono {
    const app = new Hono()
    app.use(async (c, next) => {
      await read(c)
      await next()
    })
    return app.route('/', atp(createPlaces(), open))
  }

  it.each(['json', 'text', 'arrayBuffer', 'blob', 'parseBody', 'text, then json'])(
    'is JSON still, after %s',
    async (how) => {
      const answer = await appThatReads(readers[how] as never).request(
        '/atp/places/echo',
        json({ city: 'Óslo', days: 2 }),
      )
      expect(await answer.json()).toEqual({ result: { city: 'Óslo', days: 2 } })
    },
  )

  it.each(['text', 'arrayBuffer', 'blob', 'parseBody', 'formData'])('is a form still, after %s', async (how) => {
    const form = new FormData()
    form.set('city', 'Ósló & more')
    form.set('days', '2')
    for (const body of [new URLSearchParams({ city: 'Ósló & more', days: '2' }), form]) {
      const answer = await appThatReads(readers[how] as never).request('/atp/places/echo', { method: 'POST', body })
      expect(await answer.json()).toEqual({ result: { city: 'Ósló & more', days: 2 } })
    }
  })

  it('is refused as bad JSON when it is', async () => {
    const app = appThatReads((c) => c.req.json().catch(() => {}))
    const answer = await app.request('/atp/places/echo', { ...json({}), body: '{"city":' })
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_json' }])
  })

  it('fails for the developer who read it past Hono, with the reason', async () => {
    const app = appThatReads((c) => c.req.raw.text())
    const answer = await app.request('/atp/places/echo', json({ city: 'Oslo' }))
    expect([answer.status, await answer.text()]).toMatchObject([500, /instead of consuming req\.raw directly/])
  })
})
