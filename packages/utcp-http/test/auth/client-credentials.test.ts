import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { http, sse, streamableHttp } from '../../src/index.ts'
import { call } from '../support/calls.ts'
import { failureOf } from '../support/failure.ts'
import { json, type SeenRequest, type Site, startSite } from '../support/site.ts'

let site: Site
let protocol: CommunicationProtocol
/** How the token endpoint answers; by default with tokens `t1`, `t2`, … that last an hour. */
let answerToken: (request: SeenRequest, count: number) => { status: number; body: unknown; afterMs?: number }
/** Which tokens the API takes. */
let isGood: (token: string) => boolean

/** The first ten requests of `/held`, which are refused once all are there. */
let held: (() => void)[]

const tokenRequests = (): SeenRequest[] => site.seen.filter(({ path }) => path === '/token')
const formOf = ({ body }: SeenRequest): Record<string, string> => Object.fromEntries(new URLSearchParams(body))

beforeEach(async () => {
  isGood = () => true
  held = []
  answerToken = (_, count) => ({
    status: 200,
    body: { access_token: `t${count}`, token_type: 'Bearer', expires_in: 3600 },
  })
  site = await startSite((request, response) => {
    if (request.path === '/token') {
      const { status, body } = answerToken(request, tokenRequests().length)
      return json(response, body, status)
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    if (!isGood(token)) return json(response, { error: `invalid token ${token}` }, 401)
    if (request.path === '/held' && held.push(() => json(response, {}, 401)) <= 10) {
      if (held.length === 10) for (const refuse of held) refuse()
      return undefined
    }
    if (request.path === '/events') {
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${token}\n\n`)
    }
    return json(response, { token })
  })
  protocol = http()()
})

afterEach(async () => {
  vi.useRealTimers()
  await protocol.close()
  await site[Symbol.asyncDispose]()
})

function template(auth: Record<string, unknown> = {}, type = 'http', path = '/api'): CallTemplate {
  return {
    ...{ call_template_type: type, url: `${site.origin}${path}` },
    auth: {
      auth_type: 'oauth2',
      token_url: `${site.origin}/token`,
      client_id: 'id',
      client_secret: 'top secret',
      ...auth,
    },
  }
}

describe('an access token by client credentials', () => {
  it('is asked for by form, once for a hundred calls at a time, and kept', async () => {
    const results = await Promise.all(Array.from({ length: 100 }, () => call(protocol, template())))
    expect(results).toEqual(Array.from({ length: 100 }, () => ({ token: 't1' })))
    await call(protocol, template())
    expect(tokenRequests()).toHaveLength(1)
    const [request] = tokenRequests() as [SeenRequest]
    expect(request.method).toBe('POST')
    expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(request.headers.authorization).toBeUndefined()
    expect(formOf(request)).toEqual({ grant_type: 'client_credentials', client_id: 'id', client_secret: 'top secret' })
  })

  it.each([
    ['sse', () => sse(), '/events', ['t1']],
    ['streamable_http', () => streamableHttp(), '/api', [{ token: 't1' }]],
  ] as const)('serves %s, too', async (type, make, path, expected) => {
    await using disposable = { protocol: make()(), [Symbol.asyncDispose]: () => disposable.protocol.close() }
    const results = await Promise.all([1, 2, 3].map(() => call(disposable.protocol, template({}, type, path))))
    expect(results).toEqual([expected, expected, expected])
    expect(tokenRequests()).toHaveLength(1)
  })

  it('is of its token URL, client, secret and scope', async () => {
    const others = [
      {},
      { client_id: 'id2' },
      { client_secret: 'other' },
      { scope: 'a' },
      { token_url: `${site.origin}/token?x` },
    ]
    for (const auth of [...others, ...others]) await call(protocol, template(auth))
    expect(tokenRequests()).toHaveLength(others.length)
  })

  it('has no empty scope', async () => {
    await call(protocol, template({ scope: '' }))
    await call(protocol, template())
    await call(protocol, template({ scope: 'read write' }))
    expect(tokenRequests().map((request) => formOf(request).scope)).toEqual([undefined, 'read write'])
  })

  it('is replaced shortly before its end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    answerToken = (_, count) => ({ status: 200, body: { access_token: `t${count}`, expires_in: 100 } })
    await call(protocol, template())
    vi.setSystemTime(Date.now() + 89_000)
    expect(await call(protocol, template())).toEqual({ token: 't1' })
    vi.setSystemTime(Date.now() + 2_000)
    expect(await call(protocol, template())).toEqual({ token: 't2' })
  })

  it.each([undefined, 'soon', -5])('lasts an hour when its life is %j', async (expires_in) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    answerToken = (_, count) => ({ status: 200, body: { access_token: `t${count}`, expires_in } })
    await call(protocol, template())
    vi.setSystemTime(Date.now() + 3_500_000)
    expect(await call(protocol, template())).toEqual({ token: 't1' })
    vi.setSystemTime(Date.now() + 100_000)
    expect(await call(protocol, template())).toEqual({ token: 't2' })
  })
})

describe('a token that the API refuses', () => {
  it('is replaced once, for all calls that had it', async () => {
    await call(protocol, template())
    isGood = (token) => token !== 't1'
    const results = await Promise.all(Array.from({ length: 20 }, () => call(protocol, template())))
    expect(results).toEqual(Array.from({ length: 20 }, () => ({ token: 't2' })))
    expect(tokenRequests()).toHaveLength(2)
  })

  it('is replaced once although the server gives out the same again', async () => {
    answerToken = () => ({ status: 200, body: { access_token: 'same' } })
    const results = await Promise.all(Array.from({ length: 10 }, () => call(protocol, template({}, 'http', '/held'))))
    expect(results).toEqual(Array.from({ length: 10 }, () => ({ token: 'same' })))
    expect(tokenRequests()).toHaveLength(2)
  })

  it('fails the call when the next one is refused, too, and is not in the error', async () => {
    isGood = () => false
    answerToken = (_, count) => ({ status: 200, body: { access_token: `token-${count}` } })
    const error = await failureOf(call(protocol, template()))
    expect(error).toMatchObject({ code: 'http_error', status: 401, body: { error: 'invalid token ***' } })
    expect(error.message).not.toContain('token-')
    expect(tokenRequests()).toHaveLength(2)
  })

  it('is sent again with the body', async () => {
    isGood = (token) => token === 't2'
    await call(protocol, { ...template(), http_method: 'POST' }, { body: { a: 1 } })
    expect(site.seen.filter(({ path }) => path === '/api').map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}'])
  })
})

describe('a token endpoint', () => {
  it('that wants Basic gets it second, and first from then on', async () => {
    answerToken = ({ headers }, count) =>
      headers.authorization === undefined
        ? { status: 401, body: { error: 'invalid_client' } }
        : { status: 200, body: { access_token: `t${count}`, expires_in: 0 } }
    expect(await call(protocol, template({ client_secret: 'a b:ü' }))).toEqual({ token: 't2' })
    expect(await call(protocol, template({ client_secret: 'a b:ü' }))).toEqual({ token: 't3' })
    const [, second, third] = tokenRequests() as [SeenRequest, SeenRequest, SeenRequest]
    // RFC 6749, 2.3.1: both are form-encoded first.
    const basic = `Basic ${Buffer.from('id:a+b%3A%C3%BC').toString('base64')}`
    expect([second.headers.authorization, third.headers.authorization]).toEqual([basic, basic])
    expect(formOf(second)).toEqual({ grant_type: 'client_credentials' })
  })

  it.each([
    [
      400,
      { error: 'invalid_scope', error_description: 'no\nsuch top secret' },
      2,
      'http_error',
      'invalid_scope: no such ***',
    ],
    [200, { error: 'bad' }, 2, 'invalid_response', 'bad'],
    [200, { access_token: 'a\r\nb' }, 2, 'invalid_response', ''],
    [503, { error: 'busy' }, 1, 'http_error', 'busy'],
  ])('that answers %i %j fails the call without the secret', async (status, body, requests, code, words) => {
    answerToken = () => ({ status, body })
    const error = await failureOf(call(protocol, template()))
    expect(error).toMatchObject({ code, status, retryable: status === 503 })
    expect(error.message).toContain(words)
    expect(JSON.stringify([error.message, error.body])).not.toContain('top secret')
    expect(tokenRequests()).toHaveLength(requests)
    expect(site.seen).toHaveLength(requests)
  })

  it('is asked again after a failure', async () => {
    answerToken = () => ({ status: 503, body: {} })
    await failureOf(call(protocol, template()))
    answerToken = () => ({ status: 200, body: { access_token: 'new' } })
    expect(await call(protocol, template())).toEqual({ token: 'new' })
  })
})

describe('a token that takes long', () => {
  it('is not waited for by a call that ends, and serves the others', async () => {
    let answer = (): void => {}
    await using slow = await startSite(({ path }, response) => {
      if (path === '/token') answer = () => json(response, { access_token: 'late' })
      else json(response, { ok: true })
    })
    const auth = { auth_type: 'oauth2', token_url: `${slow.origin}/token`, client_id: 'i', client_secret: 's' }
    const slowTemplate = { call_template_type: 'http', url: `${slow.origin}/api`, auth }
    const abort = new AbortController()
    const first = failureOf(call(protocol, slowTemplate, {}, { signal: abort.signal }))
    const second = call(protocol, slowTemplate)
    await vi.waitFor(() => expect(slow.seen).toHaveLength(1))
    abort.abort(new Error('enough'))
    expect((await first).message).toBe('enough')
    answer()
    expect(await second).toEqual({ ok: true })
    expect(slow.seen.filter(({ path }) => path === '/token')).toHaveLength(1)
  })

  it('is given up after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using slow = await startSite(() => {})
    const auth = { auth_type: 'oauth2', token_url: `${slow.origin}/token`, client_id: 'i', client_secret: 's' }
    const failed = failureOf(call(protocol, { call_template_type: 'http', url: `${slow.origin}/api`, auth }))
    await vi.waitFor(() => expect(slow.seen).toHaveLength(1))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(String((await failed).code)).toContain('timeout')
    expect(slow.seen).toHaveLength(1)
  })

  it('counts within the timeout of streamable_http', async () => {
    await using slow = await startSite(() => {})
    const auth = { auth_type: 'oauth2', token_url: `${slow.origin}/token`, client_id: 'i', client_secret: 's' }
    const streamable = streamableHttp()()
    const slowTemplate = { call_template_type: 'streamable_http', url: `${slow.origin}/api`, timeout: 50, auth }
    const error = await failureOf(call(streamable, slowTemplate))
    expect(error).toMatchObject({ code: 'timeout' })
    expect(error.message).toContain('50 ms')
    await streamable.close()
  })
})
