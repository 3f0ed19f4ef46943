import { expect } from 'vitest'
import { expectAlive } from '../expectations.ts'
import { hostOf, raw, rawRequest } from '../raw-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const oddHosts = ['a b', 'user:word@evil.example', 'evil.example/path?x=', '"><script>', '[::1', ':80', '%zz', '']

/** Headers beside the one that says chunked. */
const emptyChunked = ['', 'content-type: application/json\r\n'] as const

/** Paths and bytes that client libraries would tidy up before they send them. */
export const rawPathBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'raw.dot-segments',
    says: 'never matches a path with . or .. in it',
    rules: ['input.paths'],
    socket: true,
    run: (host) =>
      expectNoMatch(host, [
        '/atp/./shop',
        '/atp/../atp/shop',
        '/atp/shop/../shop/quote',
        '/atp/shop/./quote',
        '/./atp/',
      ]),
  },
  {
    id: 'raw.encoded-dot-segments',
    says: 'never matches a path with an encoded . or .. in it',
    rules: ['input.paths'],
    socket: true,
    run: (host) =>
      expectNoMatch(host, [
        '/atp/%2e/shop',
        '/atp/%2e%2e/atp/shop',
        '/atp/shop/%2E%2E/shop/quote',
        '/atp/.%2e/atp/shop',
      ]),
  },
  {
    id: 'raw.dots-pass-no-guard',
    says: "never leads around the app's guard by dots",
    rules: ['input.paths', 'authorize.host'],
    socket: true,
    async run(host) {
      const ways = ['/public/atp/../../host', '/public/%2e%2e/host', '/public/..%2Fhost', '/public/../host', '/./host']
      await expectAlive(host)
      for (const way of ways) {
        const answer = await rawRequest(host, 'GET', `${way}/atp/shop/quote/`)
        expect([way, answer.status]).toSatisfy(([, status]) => status >= 400 && status < 500)
      }
    },
  },
  {
    id: 'raw.backslash',
    says: 'never takes a backslash for a slash',
    rules: ['input.paths'],
    socket: true,
    run: (host) => expectNoMatch(host, ['/atp\\shop', '/atp/shop\\quote', '\\atp\\shop', '/atp/shop/\\quote']),
  },
  {
    id: 'raw.double-slash-start',
    says: 'never takes the beginning of a path for the name of a host',
    rules: ['input.paths'],
    socket: true,
    async run(host) {
      for (const target of ['//evil.example/public/atp/shop', '//public/atp/shop', '///public/atp/shop']) {
        const answer = await rawRequest(host, 'GET', target)
        expect([target, answer.status]).toSatisfy(([, status]) => status === 400 || status === 404)
      }
      await expectAlive(host)
    },
  },
  {
    id: 'raw.odd-targets',
    says: 'survives request targets that are no plain path',
    rules: ['input.cost'],
    socket: true,
    async run(host) {
      const targets = ['http://other.example/public/atp/', 'http:///public/atp/', '/public/atp/?%', '/public/atp/#x']
      for (const target of targets) {
        const answer = await rawRequest(host, 'GET', target)
        expect([target, answer.status]).toSatisfy(([, status]) => status < 500)
      }
      await expectAlive(host)
    },
  },
  {
    id: 'raw.odd-hosts',
    says: 'takes a Host header that names no host for a mistake of the caller, at most',
    rules: ['input.cost', 'public-url'],
    socket: true,
    async run(host) {
      for (const odd of oddHosts) {
        const answer = await rawRequest(host, 'GET', '/public/utcp', { host: odd })
        expect([odd, answer.status]).toSatisfy(([, status]) => status < 500)
      }
      await expectAlive(host)
    },
  },
  {
    id: 'raw.hostile-hosts',
    says: 'never writes more of a Host header than a host into a manual',
    rules: ['public-url'],
    socket: true,
    async run(host) {
      for (const odd of oddHosts) {
        const answer = await rawRequest(host, 'GET', '/public/utcp', { host: odd })
        for (const url of answer.status === 200 ? urlsIn(answer.body) : []) {
          const { username, search, pathname } = new URL(url)
          expect({ username, search, pathname }).toEqual({
            username: '',
            search: '',
            pathname: expect.stringMatching(/^\/public\/atp\//),
          })
        }
      }
      await expectAlive(host)
    },
  },
  {
    id: 'raw.host-header',
    says: 'takes the addresses in a manual from the Host that the client used, default port included',
    rules: ['public-url'],
    socket: true,
    async run(host) {
      for (const [named, origin] of [
        ['shop.example', 'http://shop.example'],
        ['Shop.Example:8080', 'http://shop.example:8080'],
        ['shop.example:80', 'http://shop.example'],
        ['[::1]:8080', 'http://[::1]:8080'],
      ] as const) {
        const answer = await rawRequest(host, 'GET', '/nested/deeper/utcp', { host: named })
        expect([named, answer.status]).toEqual([named, 200])
        const origins = new Set(urlsIn(answer.body).map((url) => new URL(url).origin))
        expect([...origins]).toEqual([origin])
      }
    },
  },
  {
    id: 'raw.no-host',
    says: 'survives HTTP/1.0 without a Host header',
    rules: ['input.cost', 'public-url'],
    socket: true,
    async run(host) {
      const [answer] = await raw(host, 'GET /public/utcp HTTP/1.0\r\n\r\n')
      expect(answer?.status).toBeLessThan(500)
      await expectAlive(host)
    },
  },
  {
    id: 'raw.no-body',
    says: 'takes a request that announces no body at all for {}',
    rules: ['route.run-empty', 'mounts.parsed'],
    socket: true,
    async run(host) {
      for (const mount of ['/public', '/parsed']) {
        const answer = await rawRequest(host, 'POST', `${mount}/atp/probe/echo/`)
        expect([mount, answer.status]).toEqual([mount, 200])
        expect(JSON.parse(answer.body)).toMatchObject({ result: { args: {} } })
      }
    },
  },
  {
    id: 'raw.zero-length',
    says: 'takes a length of 00 for an empty body, or for a mistake of the caller',
    rules: ['route.run-empty', 'input.cost', 'mounts.parsed'],
    socket: true,
    async run(host) {
      const types = [
        {},
        { 'content-type': 'application/json' },
        { 'content-type': 'application/x-www-form-urlencoded' },
      ]
      for (const mount of ['/public', '/parsed']) {
        for (const type of types as Record<string, string>[]) {
          const headers = { ...type, 'content-length': '00' }
          const { status, body } = await rawRequest(host, 'POST', `${mount}/atp/probe/echo/`, headers)
          if (status === 200) expect(JSON.parse(body)).toMatchObject({ result: { args: {} } })
          else expect([mount, type, status]).toSatisfy(() => status >= 400 && status < 500)
        }
      }
      await expectAlive(host)
    },
  },
  {
    id: 'raw.empty-chunked',
    says: 'takes a chunked body that ends at once for {}, with and without a content type',
    rules: ['route.run-empty'],
    socket: true,
    async run(host) {
      for (const headers of emptyChunked) {
        expect(await postEmptyChunked(host, '/public/atp/probe/echo/', headers)).toEqual({ args: {}, token: null })
      }
    },
  },
  {
    id: 'parsed.empty-chunked',
    says: 'takes a chunked body that ends at once for {} behind parsers, too',
    rules: ['route.run-empty', 'mounts.parsed'],
    socket: true,
    async run(host) {
      for (const headers of emptyChunked) {
        expect(await postEmptyChunked(host, '/parsed/atp/probe/echo/', headers)).toEqual({ args: {}, token: null })
      }
    },
  },
  {
    id: 'raw.one-connection',
    says: 'answers several requests on one connection in their order',
    rules: ['route.run', 'head', 'options'],
    socket: true,
    async run(host) {
      const body = '{"sku":"x"}'
      const head = `POST /public/atp/shop/quote HTTP/1.1\r\nhost: ${hostOf(host).host}\r\n`
      const call = `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      const other = (method: string): string => `${method} /public/atp/ HTTP/1.1\r\nhost: ${hostOf(host).host}\r\n\r\n`
      const answers = await raw(host, call + other('OPTIONS') + call + other('PUT') + other('GET'), 5)
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 405, 200])
      expect(JSON.parse(answers[4]?.body ?? '')).toHaveProperty('toolkits')
    },
  },
  {
    id: 'raw.unread-body',
    says: 'never takes the body of a refused request for the next request',
    rules: ['input.cost'],
    socket: true,
    async run(host) {
      const { host: name } = hostOf(host)
      const smuggled = `GET /public/atp/ HTTP/1.1\r\nhost: ${name}\r\n\r\n`
      const first = `POST /keys/atp/shop/quote/ HTTP/1.1\r\nhost: ${name}\r\ncontent-type: application/json\r\n`
      const text = `${first}content-length: ${smuggled.length}\r\n\r\n${smuggled}`
      const next = `GET /public/atp/none/ HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`
      const statuses = (await raw(host, text + next, 2)).map(({ status }) => status)
      // A server may also close after the refusal; then the second request is not answered at all.
      expect([[401], [401, 404]]).toContainEqual(statuses)
    },
  },
]

async function expectNoMatch(host: RoutesHost, paths: readonly string[]): Promise<void> {
  await expectAlive(host)
  for (const path of paths) {
    const answer = await rawRequest(host, 'GET', `/public${path}`)
    expect([path, answer.status]).toSatisfy(([, status]) => status === 400 || status === 404)
  }
}

/** Runs a tool with a chunked body that has no chunks. @throws Error when the answer is not 200 */
async function postEmptyChunked(host: RoutesHost, path: string, headers: string): Promise<unknown> {
  const head = `POST ${path} HTTP/1.1\r\nhost: ${hostOf(host).host}\r\n${headers}transfer-encoding: chunked\r\n\r\n`
  const [answer] = await raw(host, `${head}0\r\n\r\n`)
  if (answer?.status !== 200) throw new Error(`With "${headers.trim()}": ${answer?.status} ${answer?.body}`)
  return (JSON.parse(answer.body) as { result: unknown }).result
}

function urlsIn(manual: string): string[] {
  const { tools } = JSON.parse(manual) as { tools: { tool_call_template: { url: string } }[] }
  return tools.map(({ tool_call_template }) => tool_call_template.url)
}
