import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Asking, onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { type SeenRequest, startWeb, type Web } from './support/web.ts'

onBothPaths(({ create }) => {
  let web: Web
  let guarded: Asking
  /** Path -> where it redirects to; all other paths answer 200. */
  let redirects: Record<string, { status: number; location?: string }>

  beforeEach(async () => {
    redirects = {}
    web = await startWeb(({ url }, response) => {
      const { status = 200, location } = redirects[new URL(url).pathname] ?? {}
      response.writeHead(status, location === undefined ? {} : { location }).end('the end')
    })
    guarded = create({ ...web.options, secretHeaders: ['X-Mine'] })
  })

  afterEach(async () => {
    await guarded.close()
    await web[Symbol.asyncDispose]()
  })

  const start = 'https://public.example/start'
  const elsewhere = 'https://other.example/end'
  const lastSeen = (): SeenRequest => web.seen.at(-1) as SeenRequest

  describe('a redirect', () => {
    it.each([301, 302, 303, 307, 308])(
      'of status %i is followed, and the response tells where it ended',
      async (status) => {
        redirects = { '/start': { status, location: '/next?a=1#part' }, '/next': { status, location: elsewhere } }
        const response = await guarded(start)
        expect(await response.text()).toBe('the end')
        expect([response.url, response.redirected, response.status]).toEqual([elsewhere, true, 200])
        expect(web.seen.map(({ url }) => url)).toEqual([start, 'https://public.example/next?a=1', elsewhere])
      },
    )

    it.each([300, 304, 305])('is not what status %i means', async (status) => {
      redirects = { '/start': { status, location: elsewhere } }
      expect((await guarded(start)).status).toBe(status)
      expect(web.seen).toHaveLength(1)
    })

    it('without a Location is an answer like any other', async () => {
      redirects = { '/start': { status: 302 } }
      const response = await guarded(start)
      expect([response.status, await response.text(), response.redirected]).toEqual([302, 'the end', false])
    })

    it('is followed five times, never six', async () => {
      for (let hop = 0; hop < 6; hop += 1) redirects[`/${hop}`] = { status: 302, location: `/${hop + 1}` }
      expect(await (await guarded('https://public.example/1')).text()).toBe('the end')
      const error = await errorOf(guarded('https://public.example/0'))
      expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E5' } })
      expect(error.message).toContain('5 redirects')
      expect(lastSeen().url).toBe('https://public.example/5')
    })

    it('is handed to those who ask for it by redirect: manual', async () => {
      redirects = { '/start': { status: 302, location: 'http://169.254.169.254/' } }
      const response = await guarded(start, { redirect: 'manual' })
      expect([response.status, response.headers.get('location')]).toEqual([302, 'http://169.254.169.254/'])
      expect(web.seen).toHaveLength(1)
    })

    it('is an error to those who ask for that', async () => {
      redirects = { '/start': { status: 302, location: elsewhere } }
      const error = await errorOf(guarded(start, { redirect: 'error' }))
      expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E5', target: 'https://public.example' } })
      expect(web.seen).toHaveLength(1)
    })

    it('may say where in UTF-8', async () => {
      redirects = { '/start': { status: 302, location: Buffer.from('/straße').toString('latin1') } }
      expect((await guarded(start)).url).toBe('https://public.example/stra%C3%9Fe')
    })
  })

  describe('method and body', () => {
    const post = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }

    it.each([301, 302, 307, 308])('are kept by status %i within the origin', async (status) => {
      redirects = { '/start': { status, location: '/next' } }
      await guarded(start, post)
      expect(lastSeen()).toMatchObject({
        method: 'POST',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json' },
      })
    })

    it('become a GET without a body by status 303', async () => {
      redirects = { '/start': { status: 303, location: '/next' } }
      await guarded(start, post)
      expect(lastSeen()).toMatchObject({ method: 'GET', body: '' })
      expect(lastSeen().headers).not.toHaveProperty('content-type')
      expect(lastSeen().headers).not.toHaveProperty('content-length')
    })

    it('stay a HEAD by status 303', async () => {
      redirects = { '/start': { status: 303, location: '/next' } }
      await guarded(start, { method: 'HEAD' })
      expect(lastSeen().method).toBe('HEAD')
    })

    it.each([301, 302, 307, 308])('go to another origin without the body by status %i', async (status) => {
      redirects = { '/start': { status, location: elsewhere } }
      await guarded(start, post)
      expect(lastSeen()).toMatchObject({ url: elsewhere, method: 'POST', body: '' })
      expect(lastSeen().headers).not.toHaveProperty('content-type')
    })
  })

  describe('credentials', () => {
    const secrets = {
      authorization: 'Bearer s3cret',
      cookie: 'id=s3cret',
      'proxy-authorization': 'Basic s3cret',
      'x-api-key': 's3cret',
      apikey: 's3cret',
      'X-Goog-Api-Key': 's3cret',
      'x-auth-token': 's3cret',
      'x-vault-token': 's3cret',
      'private-token': 's3cret',
      'webhook-signature': 's3cret',
      'x-client-secret': 's3cret',
      'x-mine': 's3cret',
      'X-Own': 's3cret',
    }
    const harmless = { accept: 'application/json', 'x-trace-id': 'trace' }
    const init = { headers: { ...secrets, ...harmless }, secretHeaders: ['x-own'] }

    it('stay with requests within the origin', async () => {
      redirects = { '/start': { status: 302, location: '/next' } }
      await guarded(start, init)
      const lowerCased = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name.toLowerCase(), value]))
      expect(lastSeen().headers).toMatchObject({ ...lowerCased, ...harmless })
    })

    it('never reach another origin; the rest does', async () => {
      redirects = { '/start': { status: 302, location: elsewhere } }
      await guarded(start, init)
      expect(lastSeen().url).toBe(elsewhere)
      expect(JSON.stringify(lastSeen())).not.toContain('s3cret')
      expect(lastSeen().headers).toMatchObject(harmless)
    })

    it('do not come back with a redirect to where they started', async () => {
      redirects = {
        '/start': { status: 302, location: elsewhere },
        '/end': { status: 302, location: 'https://public.example/next' },
      }
      await guarded(start, { ...init, method: 'POST', body: 's3cret' })
      expect(lastSeen().url).toBe('https://public.example/next')
      expect(JSON.stringify(lastSeen())).not.toContain('s3cret')
    })

    it('of another port are credentials of another origin', async () => {
      web.internet.host('93.184.216.34', 8443, web.tlsPort)
      redirects = { '/start': { status: 302, location: 'https://public.example:8443/next' } }
      await guarded(start, init)
      expect(lastSeen().url).toBe('https://public.example:8443/next')
      expect(JSON.stringify(lastSeen())).not.toContain('s3cret')
    })

    it('in the query of the caller are not handed on by a server that repeats them', async () => {
      redirects = { '/start': { status: 302, location: `${elsewhere}?api_key=s3cret&page=2&signed=a%2Fb` } }
      await guarded(`${start}?api_key=s3cret&page=1`)
      expect(lastSeen().url).toBe(`${elsewhere}?signed=a%2Fb`)
      redirects = { '/start': { status: 302, location: `${elsewhere}??%6Bey=s3cret&ok=1&a+b=s3cret` } }
      await guarded(`${start}??key=s3cret&a%20b=s3cret`)
      expect(lastSeen().url).toBe(`${elsewhere}?ok=1`)
    })

    it('in the query go on within the origin, and a query of the server alone is left as it is', async () => {
      redirects = {
        '/start': { status: 302, location: '/next?api_key=s3cret' },
        '/next': { status: 302, location: `${elsewhere}?x=a%20b~&y` },
      }
      await guarded(`${start}?api_key=s3cret`)
      expect(web.seen.map(({ url }) => url)).toEqual([
        `${start}?api_key=s3cret`,
        'https://public.example/next?api_key=s3cret',
        `${elsewhere}?x=a%20b~&y`,
      ])
    })
  })

  describe('the operator’s own targets', () => {
    const options = () => ({
      ...web.options,
      allowLoopbackHttp: true,
      allowTargets: ['https-only.example:443', `http://127.0.0.2:${web.plainPort}`],
    })

    it('are closed to redirects from public origins', async () => {
      await using opened = create({
        ...options(),
        lookup: async (name) => (name === 'https-only.example' ? ['10.0.0.9'] : web.options.lookup(name)),
      })
      web.internet.host('10.0.0.9', 443, web.tlsPort)
      for (const [location, rule] of [
        [`http://127.0.0.1:${web.plainPort}/in`, 'E5'],
        [`http://localhost:${web.plainPort}/in`, 'E5'],
        [`http://127.0.0.2:${web.plainPort}/in`, 'E5'],
        ['https://https-only.example/in', 'E3'],
      ]) {
        redirects = { '/start': { status: 302, location: location as string } }
        expect(await errorOf(opened(start)), location).toMatchObject({ code: 'egress_refused', details: { rule } })
      }
      expect(web.seen.filter(({ url }) => url.endsWith('/in'))).toEqual([])
    })

    it('are closed to them although a connection to such a target is at hand', async () => {
      await using opened = create({
        ...{ ca: web.options.ca, allowTargets: ['other.example:443'] },
        lookup: async (name) => (name === 'other.example' ? ['10.0.0.9'] : web.options.lookup(name)),
      })
      web.internet.host('10.0.0.9', 443, web.tlsPort)
      expect(await (await opened(elsewhere)).text()).toBe('the end')
      redirects = { '/start': { status: 302, location: elsewhere } }
      expect(await errorOf(opened(start))).toMatchObject({ details: { rule: 'E3' } })
      expect(web.seen.map(({ url }) => url)).toEqual([elsewhere, start])
    })

    it('may redirect among themselves', async () => {
      await using opened = create(options())
      redirects = {
        '/start': { status: 302, location: `http://127.0.0.1:${web.plainPort}/next` },
        '/next': { status: 302, location: elsewhere },
      }
      const response = await opened(`http://127.0.0.1:${web.plainPort}/start`)
      expect([response.url, await response.text()]).toEqual([elsewhere, 'the end'])
    })
  })
})
