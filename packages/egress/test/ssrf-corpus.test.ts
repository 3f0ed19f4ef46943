import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guardedConnect } from '../src/index.ts'
import { type Asking, onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import {
  type Canary,
  corpusLookup,
  publicAddress,
  publicName,
  ssrfCorpus,
  ssrfRedirects,
  startCanary,
} from './support/shared-fixtures.ts'
import { startWeb, type Web } from './support/web.ts'

onBothPaths(({ create }) => {
  const words = {
    E2: /only https|only encrypted|not an absolute URL|user name or password|not a host/,
    E3: /not public|means this machine/,
    E5: /redirect/,
  }
  let canary: Canary
  let web: Web
  let guardedFetch: Asking
  /** What {@link publicName} answers, first come first served. */
  let locations: string[] = []

  beforeAll(async () => {
    canary = await startCanary()
    web = await startWeb((_request, response) => {
      const location = locations.shift()
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end('public')
    })
    guardedFetch = create(web.options)
  })

  afterAll(async () => {
    await guardedFetch.close()
    await web[Symbol.asyncDispose]()
    await canary[Symbol.asyncDispose]()
  })

  describe('every URL of the corpus', () => {
    // The canary's port is not known before the tests are; this one is put in its place.
    const portAhead = 49_151
    const corpus = ssrfCorpus(portAhead)
    const atCanary = (url: string): string => url.replaceAll(String(portAhead), String(canary.port))

    it('is one of at least sixty, none of them twice', () => {
      expect(corpus.length).toBeGreaterThanOrEqual(60)
      expect(new Set(corpus.map(({ url }) => url)).size).toBe(corpus.length)
    })

    it.each(corpus)('$url ($why) is refused by name of the rule, without a connection', async ({ url, rule }) => {
      const before = web.internet.attempts.length
      const error = await errorOf(guardedFetch(atCanary(url)))
      expect(error).toMatchObject({ code: 'egress_refused', status: 502, retryable: false, details: { rule } })
      expect(error.message).toMatch(words[rule])
      expect(web.internet.attempts.slice(before)).toEqual([])
      expect(canary.heard()).toBe(0)
    })

    // What a URL calls no host may be one here, such as `::1`: it is then refused for its address.
    const hosts = corpus.flatMap(({ url }) => /^https:\/\/([^/?#\\@]+):49151\/$/.exec(url)?.[1] ?? [])
    it.each(hosts)('%j is refused to a socket, too', async (host) => {
      const before = web.internet.attempts.length
      const error = await errorOf(guardedConnect({ ...web.options, host, port: canary.port }))
      expect(error.code).toBe('egress_refused')
      const rule = error.details?.rule as keyof typeof words
      expect(error.message).toMatch(words[rule])
      expect(web.internet.attempts.slice(before)).toEqual([])
      expect(canary.heard()).toBe(0)
    })

    it('is refused although its neighbours on the same guard are served', async () => {
      const response = await guardedFetch(`https://${publicName}/`)
      expect([response.status, await response.text()]).toEqual([200, 'public'])
    })
  })

  describe('every redirect of the corpus', () => {
    const portAhead = 49_151
    const redirects = ssrfRedirects(portAhead).map((each) => ({ ...each, last: each.locations.at(-1) }))

    it.each(redirects)('$why ($last) is refused by name of the rule', async ({ locations: way, rule }) => {
      const before = web.internet.attempts.length
      locations = way.map((location) => location.replaceAll(String(portAhead), String(canary.port)))
      const error = await errorOf(guardedFetch(`https://${publicName}/`))
      expect(error).toMatchObject({ code: 'egress_refused', details: { rule } })
      expect(error.message).toMatch(words[rule])
      const elsewhere = web.internet.attempts.slice(before).filter((attempt) => attempt !== `${publicAddress}:443`)
      expect(elsewhere).toEqual([])
      expect(locations).toEqual([])
      expect(canary.heard()).toBe(0)
    })
  })

  it('the canary would have been heard', async () => {
    const guard = create({ lookup: corpusLookup, allowLoopbackHttp: true })
    await errorOf(guard(`http://127.0.0.1:${canary.port}/`))
    expect(canary.heard()).toBe(1)
    await guard.close()
  })
})
