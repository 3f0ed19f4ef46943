import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '../src/index.ts'
import { errorOf } from './support/refusal.ts'
import { type Answer, type SeenRequest, startWeb, type Web } from './support/web.ts'

/** What only fetch takes and gives; the rest is in the suites that run on both paths. */
let web: Web
let guarded: GuardedFetch
let answer: Answer

beforeAll(async () => {
  web = await startWeb((request, response) => answer(request, response))
  guarded = createGuardedFetch(web.options)
})

afterAll(async () => {
  await guarded.close()
  await web[Symbol.asyncDispose]()
})

beforeEach(() => {
  web.seen.length = 0
  answer = (_request, response) => response.end('ok')
})

const url = 'https://public.example/path?query=a%20b'
const lastSeen = (): SeenRequest => web.seen.at(-1) as SeenRequest

describe('a request', () => {
  it('may be a URL, a Request or a text, with or without a fragment', async () => {
    await guarded(new URL(`${url}#fragment`))
    await guarded(new Request(url, { method: 'POST', body: 'in the request', headers: { 'x-one': '1' } }))
    await guarded(new Request(url, { method: 'POST', body: 'old' }), {
      method: 'PATCH',
      body: 'new',
      headers: { 'x-one': '2' },
    })
    expect(web.seen.map(({ method, body, headers }) => [method, body, headers['x-one']])).toEqual([
      ['GET', '', undefined],
      ['POST', 'in the request', '1'],
      ['PATCH', 'new', '2'],
    ])
    expect(web.seen.every((seen) => seen.url === url)).toBe(true)
  })

  const form = new FormData()
  form.set('field', 'value')
  it.each([
    {
      what: 'a form',
      body: new URLSearchParams({ a: '1' }),
      type: /^application\/x-www-form-urlencoded/,
      sent: /^a=1$/,
    },
    {
      what: 'a multipart form',
      body: form,
      type: /^multipart\/form-data; boundary=/,
      sent: /name="field"\r\n\r\nvalue/,
    },
    { what: 'a blob', body: new Blob(['blob'], { type: 'x/y' }), type: /^x\/y$/, sent: /^blob$/ },
    { what: 'bytes', body: new TextEncoder().encode('bytes'), type: undefined, sent: /^bytes$/ },
    { what: 'a stream', body: new Blob(['stream']).stream(), type: undefined, sent: /^stream$/ },
  ])('carries $what', async ({ body, type, sent }) => {
    await guarded(url, { method: 'POST', body: body as BodyInit })
    expect(lastSeen().body).toMatch(sent)
    if (type === undefined) expect(lastSeen().headers).not.toHaveProperty('content-type')
    else expect(lastSeen().headers['content-type']).toMatch(type)
  })

  it('may have headers in a list', async () => {
    await guarded(url, { headers: [['X-One', '1']] })
    expect(lastSeen().headers).toMatchObject({ 'x-one': '1' })
    expect((await errorOf(guarded(url, { headers: [['', 'a']] }))).code).toBe('invalid_request')
  })

  it('ends by the signal of a Request, too', async () => {
    const reason = new Error('enough')
    const reading = new AbortController()
    answer = (_request, response) => response.write('first')
    const response = await guarded(new Request(url, { signal: reading.signal }))
    reading.abort(reason)
    await expect(response.text()).rejects.toBe(reason)
    await expect.poll(() => web.connections()).toBe(0)
  })

  it('with a streamed body cannot be sent again after a redirect, and its stream is let go of', async () => {
    answer = (_request, response) => response.writeHead(307, { location: '/next' }).end()
    const body = new Blob(['streamed']).stream()
    const error = await errorOf(guarded(url, { method: 'POST', body, duplex: 'half' } as RequestInit))
    expect(error).toMatchObject({ code: 'upstream_failed', retryable: false })
    expect(error.message).toContain('cannot be sent again')
    expect(web.seen.map(({ body: sent }) => sent)).toEqual(['streamed'])
  })

  it('that fails lets go of a body that would have gone on', async () => {
    let isLeft = false
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
      cancel: () => {
        isLeft = true
      },
    })
    const refused = guarded('http://public.example/', { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect((await errorOf(refused)).code).toBe('egress_refused')
    await expect.poll(() => isLeft).toBe(true)
  })
})

it('lets go of a body that would have gone on when the answer to it is left', async () => {
  const early = createServer((_message, response) => response.write('enough'))
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
  await using own = createGuardedFetch({ allowLoopbackHttp: true })
  let isLeft = false
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
    cancel: () => {
      isLeft = true
    },
  })
  const { port } = early.address() as AddressInfo
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit
  const response = await own(`http://127.0.0.1:${port}/`, init)
  await response.body?.cancel()
  await expect.poll(() => isLeft).toBe(true)
  // It never reads what it was sent, and so would not notice.
  early.closeAllConnections()
  await new Promise((resolve) => early.close(resolve))
})

describe('a response', () => {
  it('is one like any other, with several cookies', async () => {
    answer = (_request, response) => response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('{"a":1}')
    const response = await guarded(url)
    expect(response).toBeInstanceOf(Response)
    expect([response.ok, response.url, response.redirected]).toEqual([true, url, false])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ a: 1 })
  })

  it.each([204, 205, 304])('of status %i has no body', async (status) => {
    answer = (_request, response) => response.writeHead(status).end()
    expect((await guarded(url)).body).toBe(null)
  })

  it('to HEAD has no body', async () => {
    expect((await guarded(url, { method: 'HEAD' })).body).toBe(null)
  })
})

it('can stand for the global fetch', () => {
  const standIn: typeof fetch = guarded
  expect(standIn).toBe(guarded)
})
