import { createGuardedFetch } from '@atp/egress'
import { type Canary, startCanary } from '@atp/testing/egress'
import type { CallTemplate } from '@atp/utcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { http, sse, streamableHttp } from '../src/index.ts'
import { isLiteralLoopback, leadsToLoopback } from '../src/outbound/loopback.ts'
import { call } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { startPublicWeb } from './support/public-web.ts'
import { json, startSite } from './support/site.ts'

let canary: Canary

beforeAll(async () => {
  canary = await startCanary()
})

afterAll(() => canary[Symbol.asyncDispose]())

const template = (url: string): CallTemplate => ({ call_template_type: 'http', url })

describe('a fetch of one’s own', () => {
  it('is used, stays open, and is no way around the rules about this machine', async () => {
    await using site = await startSite((_, response) => json(response, { ok: true }))
    await using fetch = createGuardedFetch({ allowLoopbackHttp: true })
    const first = http({ fetch })()
    expect(await call(first, template(site.origin))).toEqual({ ok: true })
    const here = `http://127.0.0.1:${canary.port}/`
    const elsewhere = { manualCallTemplate: { ...template('https://public.example/'), name: 'm' } }
    expect(await failureOf(call(first, template(here), {}, elsewhere))).toMatchObject({ code: 'egress_refused' })
    expect(await failureOf(call(first, template('{u}'), { u: here }))).toMatchObject({ code: 'egress_refused' })
    await first.close()
    const closed = http({ fetch, allowLoopback: false })()
    expect(await failureOf(call(closed, template(here)))).toMatchObject({ code: 'egress_refused' })
    expect(await (await fetch(site.origin)).json()).toEqual({ ok: true })
    expect(canary.heard()).toBe(0)
  })

  it('does not follow redirects of token URLs either', async () => {
    await using web = await startPublicWeb((_, response) => response.writeHead(307, { location: '/next' }).end())
    await using fetch = createGuardedFetch(web.egress)
    const protocol = http({ fetch })()
    const url = 'https://public.example/'
    const auth = { auth_type: 'oauth2', token_url: url, client_id: 'i', client_secret: 's3cret' }
    expect(await failureOf(call(protocol, { ...template(url), auth }))).toMatchObject({ code: 'egress_refused' })
    expect(web.seen).toHaveLength(1)
  })

  it.each([http, sse, streamableHttp])('is not given together with rules: %o', (make) => {
    const options = { fetch: createGuardedFetch(), egress: {} }
    expect(() => make(options)()).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})

describe('a client that is closed', () => {
  it('ends what is under way', async () => {
    await using site = await startSite(() => {})
    const protocol = http()()
    const failed = failureOf(call(protocol, template(site.origin)))
    await expect.poll(() => site.seen.length).toBe(1)
    await protocol.close()
    expect(await failed).toMatchObject({ code: 'client_stopped' })
    await protocol.close()
  })
})

describe('this machine', () => {
  it.each([
    'http://localhost/',
    'http://LOCALHOST.:80/',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://127.255.0.1./',
    'https://127.1/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f000001/',
    'https://0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:0.0.0.0]/',
  ])('is meant by %s', (url) => {
    expect(leadsToLoopback(url)).toBe(true)
  })

  it.each([
    'https://localhost.evil.com/',
    'https://127.0.0.1.evil.com/',
    'https://10.0.0.1/',
    'https://[::2]/',
    'no url',
  ])('is not meant by %s', (url) => {
    expect(leadsToLoopback(url)).toBe(false)
  })

  it('is opened under three spellings only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) expect(isLiteralLoopback(host)).toBe(true)
    for (const host of ['localhost.', 'a.localhost', '0.0.0.0', '[::]']) expect(isLiteralLoopback(host)).toBe(false)
  })
})
