import { describe, expect, it, vi } from 'vitest'
import { createAtpHandler } from '../../src/http.ts'
import { createFetchHandler, Toolkit } from '../../src/index.ts'

function shop(): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop' })
  toolkit.registerTool({ name: 'echo', description: '' }, (args, { env }) => ({ args, env: env ?? null }))
  toolkit.registerTool(
    { name: 'wait', description: '' },
    (_args, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  return toolkit
}

const post = (path: string, init: RequestInit = {}): Request =>
  new Request(`http://localhost:3000${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...init,
  })

function endless(): { stream: ReadableStream<Uint8Array>; cancelled: () => boolean } {
  let cancelled = false
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(65_536))
    },
    cancel() {
      cancelled = true
    },
  })
  return { stream, cancelled: () => cancelled }
}

const manualRequest = {
  method: 'GET',
  path: '/utcp',
  basePath: '',
  origin: () => 'http://localhost',
  header: (_name: string): string | undefined => undefined,
  body: () => undefined,
  native: undefined,
}

describe('a fetch handler', () => {
  it('answers what is not its own with 404 as JSON', async () => {
    const handle = createFetchHandler(shop(), { basePath: '/api' })
    for (const path of ['/', '/atp', '/apiatp', '/apix/atp', '/api', '/apihttp://x/atp/', '/apihttps:///atp/']) {
      const response = await handle(new Request(`http://localhost${path}`))
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: 'Not found', code: 'not_found' })
    }
    expect((await handle(new Request('http://localhost/api/atp'))).status).toBe(200)
  })

  it.each(['/api', '/api/'])('is found below the base path %s, which its own addresses repeat', async (basePath) => {
    const handle = createFetchHandler(shop(), { basePath })
    const manual = (await (await handle(new Request('http://localhost:3000/api/utcp'))).json()) as {
      tools: { tool_call_template: { url: string } }[]
    }
    expect(manual.tools[0]?.tool_call_template.url).toBe('http://localhost:3000/api/atp/shop/echo/')
  })

  it('refuses a base path without a slash', () => {
    expect(() => createFetchHandler(shop(), { basePath: 'api' })).toThrow(
      expect.objectContaining({ code: 'invalid_config' }),
    )
  })

  it('hands what the platform passes to the option functions', async () => {
    const handle = createFetchHandler<{ tenant: string }>(shop(), {
      authorize: (request) => request.native.tenant === 'a',
      env: ({ tenant }) => tenant,
      basePath: ({ tenant }) => `/${tenant}`,
    })
    const response = await handle(post('/a/atp/shop/echo', { body: '{}' }), { tenant: 'a' })
    expect(await response.json()).toEqual({ result: { args: {}, env: 'a' } })
    expect((await handle(post('/b/atp/shop/echo', { body: '{}' }), { tenant: 'b' })).status).toBe(401)
  })

  it('tells the id that the app gave the request', async () => {
    const handle = createFetchHandler<{ id: string }>(shop(), { requestId: ({ id }) => id })
    const response = await handle(new Request('http://localhost/atp/none'), { id: 'req-9' })
    expect(await response.json()).toMatchObject({ request_id: 'req-9' })
  })

  it.each(['http://a b/utcp', 'http://a:b:c/utcp', '/utcp'])('writes nothing of the odd address %s', async (url) => {
    const request = { url, method: 'GET', headers: new Headers() } as Request
    expect((await createFetchHandler(shop())(request)).status).toBe(400)
  })

  it('stops reading a body at 1 MiB', async () => {
    const { stream, cancelled } = endless()
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    const response = await handle(post('/atp/shop/echo', { body: stream, duplex: 'half' } as RequestInit))
    expect(response.status).toBe(413)
    expect(cancelled()).toBe(true)
  })

  it('does not begin to read a body that says it is larger', async () => {
    const { stream, cancelled } = endless()
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    const request = post('/atp/shop/echo', { body: stream, duplex: 'half' } as RequestInit)
    request.headers.set('content-length', '1048577')
    expect((await handle(request)).status).toBe(413)
    expect(request.bodyUsed).toBe(false)
    expect(cancelled()).toBe(false)
  })

  it('does not believe a length that is too small', async () => {
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    const request = post('/atp/shop/echo', { body: `{"a":"${'x'.repeat(1_048_576)}"}` })
    request.headers.set('content-length', '10')
    expect((await handle(request)).status).toBe(413)
  })

  it('cancels the tool when the request is aborted', async () => {
    const abort = new AbortController()
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    const answer = handle(post('/atp/shop/wait', { signal: abort.signal }))
    setTimeout(() => abort.abort(), 1)
    expect(await (await answer).json()).toMatchObject({ code: 'cancelled' })
  })

  it('cancels the tool when the platform cancels the answer', async () => {
    const aborted = vi.fn()
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'flood', description: '' }, async function* (_args, { signal }) {
      signal.addEventListener('abort', aborted)
      for (;;) yield 1
    })
    const headers = { accept: 'text/event-stream' }
    const response = await createFetchHandler(toolkit, { authorize: 'public' })(post('/atp/shop/flood', { headers }))
    const reader = (response.body as ReadableStream).getReader()
    await reader.read()
    await reader.cancel()
    await vi.waitFor(() => expect(aborted).toHaveBeenCalledOnce())
  })

  it('does not write a default port into its addresses', async () => {
    const answer = await createAtpHandler(shop())({ ...manualRequest, origin: () => 'HTTP://Example.com:80' })
    expect(answer?.body).toContain('"url":"http://example.com/atp/shop/echo/"')
  })

  it.each([{ 'content-length': '7' }, { 'transfer-encoding': 'chunked' }])(
    'says what to do when something before it has read the body, with %j',
    async (headers: Record<string, string | undefined>) => {
      const answer = await createAtpHandler(shop(), { authorize: 'public' })({
        ...manualRequest,
        method: 'POST',
        path: '/atp/shop/echo',
        header: (name) => ({ ...headers, 'content-type': 'application/json' })[name],
        body: () => ({ read: async () => undefined }),
      })
      expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('mount them before') })
    },
  )

  it('says so for a web request, too', async () => {
    const request = post('/atp/shop/echo', { body: '{}' })
    await request.text()
    const response = await createFetchHandler(shop(), { authorize: 'public' })(request)
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('mount them before')
  })

  it.each([
    ['text/event-stream', true],
    ['TEXT/Event-Stream', true],
    ['application/json;q=0.5, text/event-stream ; q=0.9', true],
    ['text/event-stream;q=0', false],
    ['application/json, text/event-stream; q=0.00', false],
    ['text/event-streams', false],
    ['*/*', false],
  ])('with "Accept: %s" streams: %s', async (accept, streams) => {
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    const response = await handle(post('/atp/shop/echo', { headers: { accept } }))
    await response.text()
    expect(response.headers.get('content-type')?.startsWith('text/event-stream')).toBe(streams)
  })

  it('answers a content type made to slow down its reader', async () => {
    const headers = { 'content-type': `application/json; charset=${' '.repeat(100_000)}x"y` }
    const response = await createFetchHandler(shop(), { authorize: 'public' })(
      post('/atp/shop/echo', { headers, body: '{}' }),
    )
    expect(response.status).toBe(415)
  })

  it.each([
    ['what is not UTF-8', [0x22, 0xff, 0x22], 400],
    ['half a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 400],
    ['a replacement character', [...new TextEncoder().encode('{"a":"\uFFFD"}')], 200],
    ['one behind a byte order mark', [...new TextEncoder().encode('\uFEFF{"a":"\uFFFD"}')], 200],
  ])('reads UTF-8 alone: %s', async (_what, bytes, status) => {
    const request = post('/atp/shop/echo', { body: new Uint8Array(bytes) })
    request.headers.set('content-length', `${bytes.length}`)
    expect((await createFetchHandler(shop(), { authorize: 'public' })(request)).status).toBe(status)
  })

  it('gives up on a body that does not arrive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const stream = new ReadableStream<Uint8Array>({})
      const answer = createFetchHandler(shop(), { authorize: 'public' })(
        post('/atp/shop/echo', { body: stream, duplex: 'half' } as RequestInit),
      )
      await vi.advanceTimersByTimeAsync(30_000)
      expect(await (await answer).json()).toMatchObject({ error: expect.stringContaining('30 s') })
    } finally {
      vi.useRealTimers()
    }
  })

  it('takes an empty body that a parser has looked at for no arguments, whatever its type', async () => {
    const answer = await createAtpHandler(shop(), { authorize: 'public' })({
      ...manualRequest,
      method: 'POST',
      path: '/atp/shop/echo',
      body: () => ({ parsed: undefined }),
    })
    expect(answer).toMatchObject({ status: 200, body: '{"result":{"args":{},"env":null}}' })
  })

  it('reads no compressed body', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const handle = createFetchHandler(shop(), { authorize: 'public' })
    expect((await handle(post('/atp/shop/echo', { headers, body: 'x' }))).status).toBe(415)
  })

  it.each(['a b', 'evil.com/path?', 'user@evil.com', ''])('writes no address from the odd origin %j', async (host) => {
    const answer = await createAtpHandler(shop())({ ...manualRequest, origin: () => `http://${host}` })
    expect(answer?.status).toBe(400)
  })
})
