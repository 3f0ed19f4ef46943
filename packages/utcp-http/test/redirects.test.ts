import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { http, sse, streamableHttp } from '../src/index.ts'
import { call, discover } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { type PublicWeb, startPublicWeb } from './support/public-web.ts'
import { json, type SeenRequest } from './support/site.ts'

let web: PublicWeb
let protocol: CommunicationProtocol
let status = 302
let location = ''

beforeAll(async () => {
  web = await startPublicWeb(({ path }, response) => {
    if (path === '/token') return json(response, { access_token: 's3cret-token' })
    if (path === '/start') return response.writeHead(status, { location }).end()
    if (path === '/refuse') return json(response, {}, 401)
    return json(response, { tools: [] })
  })
  protocol = http({ egress: web.egress })()
})

beforeEach(() => {
  web.seen.length = 0
  status = 302
  location = 'https://other.example/end?page=2'
})

afterAll(async () => {
  await protocol.close()
  await web[Symbol.asyncDispose]()
})

const start = 'https://public.example/start'
const last = (): SeenRequest => web.seen.at(-1) as SeenRequest

const credentials: [string, Partial<CallTemplate>][] = [
  ['a key in a header of its own', { auth: { auth_type: 'api_key', api_key: 's3cret', var_name: 'X-Shop' } }],
  ['a bearer key', { auth: { auth_type: 'api_key', api_key: 'Bearer s3cret', var_name: 'Authorization' } }],
  ['a key in the query', { auth: { auth_type: 'api_key', api_key: 's3cret', var_name: 'page', location: 'query' } }],
  ['a key in a cookie', { auth: { auth_type: 'api_key', api_key: 's3cret', var_name: 'sid', location: 'cookie' } }],
  ['a password', { auth: { auth_type: 'basic', username: 's3cret', password: 's3cret' } }],
  ["a user's token", { auth: { auth_type: 'oauth2_user', access_token: 's3cret', var_name: 'X-Mine', prefix: '' } }],
  [
    'an access token',
    {
      auth: {
        ...{ auth_type: 'oauth2', client_id: 'i', client_secret: 's3cret' },
        token_url: 'https://public.example/token',
      },
    },
  ],
  ['a header of the template', { headers: { 'X-Tenant': 's3cret' } }],
  ['an argument in a header', { header_fields: ['X-Person'] }],
]

describe('a redirect to another origin', () => {
  it.each(credentials)('does not get %s, nor arguments, nor the body', async (_, changes) => {
    const template = { call_template_type: 'http', url: start, http_method: 'POST', ...changes }
    await call(protocol, template, { 'X-Person': 's3cret', q: 's3cret', body: { a: 's3cret' } })
    const basic = Buffer.from('s3cret:s3cret').toString('base64')
    const toFirst = JSON.stringify(web.seen.filter(({ headers }) => headers.host === 'public.example'))
    expect(toFirst).toContain('s3cret')
    expect(last().headers.host).toBe('other.example')
    expect(last().path).toBe('/end')
    expect(JSON.stringify(last())).not.toContain('s3cret')
    expect(JSON.stringify(last())).not.toContain(basic)
    expect(last().body).toBe('')
  })

  it('does not make a refused token of what never got it', async () => {
    location = 'https://other.example/refuse'
    const template = { call_template_type: 'http', url: start, ...credentials[6]?.[1] }
    const before = await failureOf(call(protocol, template))
    expect(before).toMatchObject({ code: 'http_error', status: 401 })
    expect(web.seen.filter(({ headers }) => headers.host === 'other.example')).toHaveLength(1)
    expect(web.seen.filter(({ path }) => path === '/token').length).toBeLessThanOrEqual(1)
  })

  it('does not get the credentials of a discovery either', async () => {
    const auth = { auth_type: 'api_key', api_key: 's3cret', var_name: 'X-Shop' }
    await discover(protocol, { name: 'm', call_template_type: 'http', url: start, auth })
    expect(web.seen[0]?.headers['x-shop']).toBe('s3cret')
    expect(last().headers.host).toBe('other.example')
    expect(JSON.stringify(last())).not.toContain('s3cret')
  })
})

describe('a redirect within the origin', () => {
  it.each([301, 302, 307, 308])('of status %i keeps method, body and credentials', async (code) => {
    status = code
    location = '/next'
    const auth = { auth_type: 'api_key', api_key: 's3cret', var_name: 'X-Shop' }
    await call(protocol, { call_template_type: 'http', url: start, http_method: 'PUT', auth }, { body: { a: 1 } })
    expect(last()).toMatchObject({ method: 'PUT', url: '/next', body: '{"a":1}', headers: { 'x-shop': 's3cret' } })
  })

  it('of status 303 becomes a GET without a body', async () => {
    status = 303
    location = '/next'
    await call(protocol, { call_template_type: 'http', url: start, http_method: 'POST' }, { body: { a: 1 } })
    expect(last()).toMatchObject({ method: 'GET', url: '/next', body: '' })
  })
})

describe('sse and streamable_http', () => {
  it.each([
    ['sse', sse],
    ['streamable_http', streamableHttp],
  ] as const)('of type %s refuse any redirect, to discoveries, too', async (type, make) => {
    const streams = make({ egress: web.egress })()
    for (const code of [301, 302, 303, 307, 308]) {
      status = code
      location = '/next'
      const template = { name: 'm', call_template_type: type, url: start }
      for (const reached of [call(streams, template), discover(streams, template)]) {
        expect(await failureOf(reached)).toMatchObject({ code: 'egress_refused', details: { rule: 'E5' } })
      }
    }
    for (const code of [300, 304, 305]) {
      status = code
      const called = call(streams, { call_template_type: type, url: start })
      expect(await failureOf(called)).toMatchObject({ code: 'egress_refused', details: { rule: 'E5' } })
    }
    expect(web.seen.every(({ path }) => path === '/start')).toBe(true)
    await streams.close()
  })
})
