import {
  type Canary,
  corpusLookup,
  publicName,
  type SsrfRule,
  ssrfCorpus,
  ssrfRedirects,
  startCanary,
} from '@atp/testing/egress'
import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { http, type OutboundOptions, sse, streamableHttp } from '../src/index.ts'
import { call, discover } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { type PublicWeb, startPublicWeb } from './support/public-web.ts'

let canary: Canary
let web: PublicWeb
/** What {@link publicName} answers, first come first served; without one it gives a token. */
let locations: string[] = []

beforeAll(async () => {
  canary = await startCanary()
  web = await startPublicWeb((_request, response) => {
    const location = locations.shift()
    if (location !== undefined) return response.writeHead(307, { location }).end()
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":"t"}')
  })
})

afterAll(async () => {
  await web[Symbol.asyncDispose]()
  await canary[Symbol.asyncDispose]()
})

// The canary's port is not known before the tests are; this one is put in its place.
const portAhead = 49_151
const atCanary = (url: string): string => url.replaceAll(String(portAhead), String(canary.port))

const makers = { http, sse, streamable_http: streamableHttp } as const

type Reach = (protocol: CommunicationProtocol, type: string, url: string) => Promise<unknown>

/** Every way that a template leads out by. */
const ways: Record<string, Reach> = {
  'a discovery URL': (protocol, type, url) => discover(protocol, { name: 'm', call_template_type: type, url }),
  'a tool URL': (protocol, type, url) => call(protocol, { call_template_type: type, url }),
  'a tool URL of a manual from elsewhere': (protocol, type, url) => {
    const manualCallTemplate: CallTemplate = { name: 'm', call_template_type: 'http', url: `https://${publicName}/` }
    return call(protocol, { call_template_type: type, url }, {}, { manualCallTemplate })
  },
  'a URL as an argument': (protocol, type, url) => call(protocol, { call_template_type: type, url: '{url}' }, { url }),
  'a token URL': (protocol, type, url) => call(protocol, withTokenUrl(type, url)),
  'a token URL of a manual from elsewhere': (protocol, type, url) => {
    const manualCallTemplate: CallTemplate = { name: 'm', call_template_type: 'http', url: `https://${publicName}/` }
    return call(protocol, withTokenUrl(type, url), {}, { manualCallTemplate })
  },
}

function withTokenUrl(type: string, url: string): CallTemplate {
  const auth = { auth_type: 'oauth2', token_url: url, client_id: 'i', client_secret: 'secret' }
  return { call_template_type: type, url: `https://${publicName}/`, auth }
}

/** All ways in, as a hub sets it (no loopback at all). */
const cases = Object.keys(makers).flatMap((type) => Object.keys(ways).map((way) => ({ type, way })))

function make(type: string, options: OutboundOptions): CommunicationProtocol {
  const maker = makers[type as keyof typeof makers]
  return maker({ egress: web.egress, ...options })()
}

async function refusalOf(reached: Promise<unknown>): Promise<unknown> {
  const error = await failureOf(reached)
  // An empty argument is no URL to begin with.
  if (error.code === 'invalid_arguments') return 'E2'
  expect(error.code).toBe('egress_refused')
  return (error.details as { rule?: SsrfRule } | undefined)?.rule
}

describe.each(cases)('$way of $type', ({ type, way }) => {
  const reach = ways[way] as Reach

  it('is refused by name of the rule for all of the corpus, without a connection', async () => {
    const protocol = make(type, { allowLoopback: false })
    const before = web.internet.attempts.length
    const corpus = ssrfCorpus(portAhead)
    expect(corpus.length).toBeGreaterThan(150)
    for (const { url, rule } of corpus) {
      expect([url, await refusalOf(reach(protocol, type, atCanary(url)))]).toEqual([url, rule])
    }
    expect(web.internet.attempts.slice(before)).toEqual([])
    expect(canary.heard()).toBe(0)
    await protocol.close()
  })

  it('is refused behind all redirects of the corpus', async () => {
    const protocol = make(type, {})
    for (const { locations: hops, rule } of ssrfRedirects(portAhead)) {
      const before = web.internet.attempts.length
      locations = hops.map(atCanary)
      const refused = await refusalOf(reach(protocol, type, `https://${publicName}/`))
      // Token URLs and streams follow none at all.
      const followsNone = way.includes('token') ? 'O10' : type === 'http' ? undefined : 'E5'
      expect([hops, refused]).toEqual([hops, followsNone ?? rule])
      const elsewhere = web.internet.attempts.slice(before).filter((attempt) => !attempt.endsWith(':443'))
      expect(elsewhere).toEqual([])
      expect(canary.heard()).toBe(0)
    }
    await protocol.close()
  })
})

describe('this machine', () => {
  const local = cases.filter(({ way }) => way === 'a tool URL' || way === 'a discovery URL' || way === 'a token URL')
  const remote = cases.filter(({ way }) => way.includes('elsewhere') || way.includes('argument'))

  it.each(remote)('is not reached by $way of $type, although it is open', async ({ type, way }) => {
    const protocol = make(type, { allowLoopback: true })
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.1', '0x7f000001']) {
      for (const scheme of ['http', 'https']) {
        const url = `${scheme}://${host}:${canary.port}/`
        expect(await refusalOf((ways[way] as Reach)(protocol, type, url))).toBe(scheme === 'http' ? 'E2' : 'E3')
      }
    }
    expect(canary.heard()).toBe(0)
    await protocol.close()
  })

  it.each(local)('is reached by $way of $type, unless that is switched off', async ({ type, way }) => {
    await using listener = await startCanary()
    const protocol = make(type, { egress: { lookup: corpusLookup } })
    const error = await failureOf((ways[way] as Reach)(protocol, type, `http://127.0.0.1:${listener.port}/`))
    expect(error.code).toBe('upstream_failed')
    expect(listener.heard()).toBe(1)
    await protocol.close()
  })
})
