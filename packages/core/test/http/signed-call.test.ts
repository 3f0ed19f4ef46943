import { createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAtpHandler, encodeSignedCall } from '../../src/http.ts'
import { type AtpHttpOptions, createFetchHandler, isSignedCall, Toolkit } from '../../src/index.ts'

const key = 'atp_toolkit_signing'

interface Shop {
  toolkit: Toolkit
  /** How often its tool ran. */
  runs: () => number
}

function shop(apiKey: string | undefined = key, appName: string = 'shop'): Shop {
  let runs = 0
  const toolkit = new Toolkit({ appName, apiKey })
  toolkit.registerTool({ name: 'echo', description: 'Answers its arguments' }, (args) => {
    runs += 1
    return args
  })
  toolkit.registerTool({ name: 'other', description: 'Another one' }, () => 'other')
  return { toolkit, runs: () => runs }
}

/** A signed call by name, with the bytes that are signed and the headers that say so. */
interface Signed {
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

/** Each test has a call of its own: a process takes an id once. */
let callId = ''
let body = ''

beforeEach(() => {
  callId = crypto.randomUUID()
  body = encodeSignedCall({ callId, toolkit: 'shop', tool: 'echo', deadlineMs: 30_000, params: { a: 'ü' } })
})

function sign(text: string = body, { id = callId, with: signer = key, at = Date.now() } = {}): Signed {
  const timestamp = `${Math.floor(at / 1_000)}`
  const headers = { 'content-type': 'application/vnd.atp.call+json', 'webhook-id': id, 'webhook-timestamp': timestamp }
  const secret = Buffer.from(hkdfSync('sha256', signer, '', 'atp-endpoint-v1', 32))
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${text}`).digest('base64')
  return { headers: { ...headers, 'webhook-signature': `v1,${mac}` }, body: new TextEncoder().encode(text) }
}

interface Answer {
  status: number
  json: Record<string, unknown>
}

type Send = (signed: Signed, path?: string) => Promise<Answer>

function serve(toolkit: Toolkit, options: AtpHttpOptions = {}): Send {
  const handle = createFetchHandler(toolkit, options)
  return async ({ headers, body: bytes }, path = '/atp/shop/echo') => {
    const response = await handle(new Request(`http://localhost${path}`, { method: 'POST', headers, body: bytes }))
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a signed call', () => {
  it('runs with nothing configured but the key', async () => {
    expect(await serve(shop().toolkit)(sign())).toEqual({ status: 200, json: { result: { a: 'ü' } } })
  })

  it('needs each of its headers', async () => {
    const { toolkit, runs } = shop()
    const send = serve(toolkit)
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      const { headers, body: bytes } = sign()
      delete headers[name]
      const { status, json } = await send({ headers, body: bytes })
      expect([status, json.code, json.error]).toEqual([401, 'unauthorized', `A signed call needs the header "${name}"`])
    }
    expect(runs()).toBe(0)
  })

  it('fails for any flipped bit of its body, its id, its time and its signature', async () => {
    const { toolkit, runs } = shop()
    const send = serve(toolkit)
    const part = fc.constantFrom('body', 'webhook-id', 'webhook-timestamp', 'webhook-signature')
    await fc.assert(
      fc.asyncProperty(part, fc.nat(), fc.integer({ min: 0, max: 6 }), async (where, at, bit) => {
        const { headers, body: bytes } = sign()
        if (where === 'body') {
          const index = at % bytes.length
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        } else {
          const text = headers[where] ?? ''
          const index = at % text.length
          const flipped = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit))
          // What no header can carry never arrives.
          fc.pre(/^[!-~]$/.test(flipped))
          headers[where] = text.slice(0, index) + flipped + text.slice(index + 1)
        }
        const { status, json } = await send({ headers, body: bytes })
        expect([status, json.code]).toEqual([401, 'unauthorized'])
      }),
      { numRuns: 500 },
    )
    expect(runs()).toBe(0)
    expect((await send(sign())).status).toBe(200)
  })

  it('fails for every single flipped byte of the signature', async () => {
    const send = serve(shop().toolkit)
    const { headers, body: bytes } = sign()
    const signature = headers['webhook-signature'] ?? ''
    for (let at = 0; at < signature.length; at += 1) {
      // 'A' and 'B' differ in a bit that Base64 leaves unused at the very end.
      for (const other of ['A', 'B', '=', '+'].filter((character) => character !== signature[at])) {
        const flipped = signature.slice(0, at) + other + signature.slice(at + 1)
        expect((await send({ headers: { ...headers, 'webhook-signature': flipped }, body: bytes })).status).toBe(401)
      }
    }
  })

  it('is taken within five minutes of its time, before and after, and not outside of them', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
    const send = serve(shop().toolkit)
    const now = Date.now()
    for (const [ms, status] of [
      [-300_000, 200],
      [300_000, 200],
      [-301_000, 401],
      [301_000, 401],
    ] as const) {
      const id = `${callId}.${Math.abs(ms)}${ms < 0 ? 'before' : 'after'}`
      expect([ms, (await send(sign(body, { id, at: now + ms }))).status]).toEqual([ms, status])
    }
  })

  it.each(['', 'soon', '1e9', '-1', '1800000000.5', '0x10'])('is not taken at the time %j', async (timestamp) => {
    const { headers, body: bytes } = sign()
    const answer = await serve(shop().toolkit)({ headers: { ...headers, 'webhook-timestamp': timestamp }, body: bytes })
    expect(answer.status).toBe(401)
  })

  it('runs once, also when it comes twice at the same time, until its signature has lost its force', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date', 'performance'] })
    const { toolkit, runs } = shop()
    const send = serve(toolkit)
    // From the future, as far as it may be: it holds for ten minutes.
    const signed = sign(body, { at: Date.now() + 300_000 })
    const statuses = (await Promise.all([send(signed), send(signed)])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 409])
    for (let minute = 0; minute < 10; minute += 1) {
      vi.advanceTimersByTime(59_999)
      expect(await send(signed)).toMatchObject({ status: 409, json: { code: 'duplicate_request_id' } })
    }
    vi.advanceTimersByTime(2_000)
    expect((await send(signed)).status).toBe(401)
    expect(runs()).toBe(1)
  })

  it('runs once in a process, whichever of its mounts it comes to', async () => {
    const [first, second] = [shop(), shop()]
    const signed = sign()
    expect((await serve(first.toolkit)(signed)).status).toBe(200)
    for (const toolkit of [first.toolkit, second.toolkit]) expect((await serve(toolkit)(signed)).status).toBe(409)
    expect(first.runs() + second.runs()).toBe(1)
  })

  it('does not run again when its bytes come after its time', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date', 'performance'] })
    const { toolkit, runs } = shop()
    const signed = sign(body, { at: Date.now() + 300_000 })
    expect((await serve(toolkit)(signed)).status).toBe(200)
    vi.advanceTimersByTime(600_000)
    const answer = await createAtpHandler(toolkit)({
      ...{ method: 'POST', path: '/atp/shop/echo', basePath: '', native: undefined },
      origin: () => 'http://localhost',
      header: (name) => signed.headers[name],
      body: () => ({
        async read() {
          vi.advanceTimersByTime(29_000)
          return signed.body
        },
      }),
    })
    expect([answer?.status, runs()]).toEqual([409, 1])
  })

  it('runs again under its id with a suffix, and under no other id', async () => {
    const send = serve(shop().toolkit)
    for (const id of [callId, `${callId}.2`, `${callId}.a_B-9`]) {
      expect([id, (await send(sign(body, { id }))).status]).toEqual([id, 200])
    }
    for (const suffix of ['.', '.a b', '.2.3', '2', `.${'x'.repeat(33)}`]) {
      const id = `${callId}${suffix}`
      expect([id, (await send(sign(body, { id }))).status]).toEqual([id, 401])
    }
    expect((await send(sign(body, { id: crypto.randomUUID() }))).status).toBe(401)
  })

  it('is for the route it names: the toolkit by its own name or by the one it is registered under', async () => {
    const { toolkit, runs } = shop()
    const named = createAtpHandler({
      registerClient: () => {},
      getClient: (name) => (name === 'store' ? toolkit : undefined),
      *[Symbol.iterator]() {
        yield ['store', toolkit]
      },
    })
    const send = async (toolkitName: string): Promise<number | undefined> => {
      const id = crypto.randomUUID()
      const text = encodeSignedCall({ callId: id, toolkit: toolkitName, tool: 'echo', deadlineMs: 1_000, params: {} })
      const { headers, body: bytes } = sign(text, { id })
      const answer = await named({
        ...{ method: 'POST', path: '/atp/store/echo', basePath: '', native: undefined },
        origin: () => 'http://localhost',
        header: (name) => headers[name],
        body: () => ({ read: async () => bytes }),
      })
      return answer?.status
    }
    expect([await send('store'), await send('shop'), await send('depot')]).toEqual([200, 200, 401])
    expect(await serve(toolkit)(sign(), '/atp/shop/other')).toMatchObject({ status: 401 })
    expect(runs()).toBe(2)
  })

  it.each([
    'application/vnd.atp.call+json; charset=utf-8',
    'Application/VND.ATP.call+json',
    ' application/vnd.atp.call+json ;x=1',
  ])('may be called %s', async (type) => {
    const { headers, body: bytes } = sign()
    expect((await serve(shop().toolkit)({ headers: { ...headers, 'content-type': type }, body: bytes })).status).toBe(
      200,
    )
  })

  it.each(['application/json', 'application/vnd.atp.call+jsonx', 'text/plain', 'application/vnd.atp.call'])(
    'is none under the content type %s',
    async (type) => {
      const { toolkit, runs } = shop()
      const { headers, body: bytes } = sign()
      expect((await serve(toolkit)({ headers: { ...headers, 'content-type': type }, body: bytes })).status).toBe(401)
      // Where nobody asks for a key it is an ordinary request, and no list of arguments.
      const open = await serve(toolkit, { authorize: 'public' })({
        headers: { ...headers, 'content-type': type },
        body: bytes,
      })
      expect(open.status).toBe(type === 'application/json' ? 200 : 415)
      expect(runs()).toBe(type === 'application/json' ? 1 : 0)
    },
  )
})

describe('which keys a signature is checked with', () => {
  it('is the own one of the toolkit, and the toolkit keys among those of the mount', async () => {
    const authorize = { keys: ['atp_toolkit_rotated', 'an-llm-key-of-the-app'] }
    const statusOf = async (signer: string, id: string = callId): Promise<number> =>
      (await serve(shop().toolkit, { authorize })(sign(body, { with: signer, id }))).status
    expect(await statusOf(key)).toBe(200)
    expect(await statusOf('atp_toolkit_rotated', `${callId}.2`)).toBe(200)
    expect(await statusOf('an-llm-key-of-the-app', `${callId}.3`)).toBe(401)
  })

  it.each([undefined, ''])('is none where the toolkit has the key %j, whoever may run tools', async (apiKey) => {
    const toolkit = new Toolkit({ appName: 'shop', apiKey })
    toolkit.registerTool({ name: 'echo', description: '' }, () => 1)
    for (const authorize of [undefined, 'public', 'host', () => true] as const) {
      const { status, json } = await serve(toolkit, { authorize })(sign(body, { with: apiKey ?? '' }))
      expect([status, json.code]).toEqual([401, 'unauthorized'])
      expect(json.error).toContain('apiKey')
    }
  })

  it('is any of them: a server sends one signature for each live key', async () => {
    const { headers, body: bytes } = sign()
    const others = ['v1,AAAA', 'v1a,AAAA', sign(body, { with: 'atp_toolkit_older' }).headers['webhook-signature']]
    const signatures = [...others, headers['webhook-signature'], ''].join(' ')
    const send = serve(shop().toolkit)
    expect((await send({ headers: { ...headers, 'webhook-signature': signatures }, body: bytes })).status).toBe(200)
    const wrong = others.join(' ')
    expect((await send({ headers: { ...headers, 'webhook-signature': wrong }, body: bytes })).status).toBe(401)
  })

  it('is derived once, and never for ordinary requests', async () => {
    const derive = vi.spyOn(crypto.subtle, 'deriveKey')
    const sign1 = vi.spyOn(crypto.subtle, 'sign')
    try {
      const send = serve(shop().toolkit)
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
      expect((await send({ headers, body: new TextEncoder().encode('{}') })).status).toBe(200)
      expect([derive, sign1].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
      for (const id of [callId, `${callId}.2`, `${callId}.3`]) expect((await send(sign(body, { id }))).status).toBe(200)
      expect([derive, sign1].map(({ mock }) => mock.calls.length)).toEqual([1, 3])
    } finally {
      derive.mockRestore()
      sign1.mockRestore()
    }
  })
})

describe('beside what the app itself decides', () => {
  it('a function is asked first, and can tell that a call is signed; the signature is checked all the same', async () => {
    const { toolkit, runs } = shop()
    const send = serve(toolkit, { authorize: (request) => isSignedCall(request) })
    expect((await send(sign())).status).toBe(200)
    expect((await send(sign(body, { with: 'atp_toolkit_wrong', id: `${callId}.2` }))).status).toBe(401)
    const unread = vi.fn()
    const refused = await createAtpHandler(toolkit, { authorize: () => false })({
      ...{ method: 'POST', path: '/atp/shop/echo', basePath: '', native: undefined },
      origin: () => 'http://localhost',
      header: (name) => sign().headers[name],
      body: unread,
    })
    expect(refused?.status).toBe(401)
    expect(unread).not.toHaveBeenCalled()
    expect(runs()).toBe(1)
  })

  it('reading descriptions is not opened by the type of a signed call', async () => {
    const handle = createFetchHandler(shop().toolkit, { authorize: (request) => isSignedCall(request) })
    const { headers } = sign()
    expect((await handle(new Request('http://localhost/atp/shop/echo', { headers }))).status).toBe(401)
  })

  it('says what to do where a parser of the app has made a value of the body', async () => {
    const { toolkit, runs } = shop()
    const { headers } = sign()
    const handle = createAtpHandler(toolkit)
    const send = async (parsed: unknown) =>
      handle({
        ...{ method: 'POST', path: '/atp/shop/echo', basePath: '', native: undefined },
        origin: () => 'http://localhost',
        header: (name) => headers[name],
        body: () => ({ parsed }),
      })
    const answer = await send(JSON.parse(body))
    expect(answer).toMatchObject({ status: 415, body: expect.stringContaining('application/vnd.atp.call+json unread') })
    expect(runs()).toBe(0)
    // Bytes are bytes, whoever has read them.
    expect((await send(sign().body))?.status).toBe(200)
  })
})

describe('who may run a tool', () => {
  const bearer = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const requests: Record<string, () => Signed> = {
    signed: () => sign(),
    forged: () => sign(body, { with: 'atp_toolkit_wrong' }),
    'forged beside a right key': () => {
      const { headers, body: bytes } = sign(body, { with: 'atp_toolkit_wrong' })
      return { headers: { ...headers, authorization: bearer.authorization }, body: bytes }
    },
    bearer: () => ({ headers: bearer, body: new TextEncoder().encode('{}') }),
    none: () => ({ headers: { 'content-type': 'application/json' }, body: new TextEncoder().encode('{}') }),
  }
  const all = { signed: 200, forged: 401, 'forged beside a right key': 401 }

  it.each<[name: string, authorize: AtpHttpOptions['authorize'], statuses: Record<string, number>]>([
    ['nothing', undefined, { ...all, bearer: 200, none: 401 }],
    ['its own key named', { keys: [key] }, { ...all, bearer: 200, none: 401 }],
    ['another key named', { keys: ['another-key'] }, { ...all, bearer: 401, none: 401 }],
    ["'public'", 'public', { ...all, bearer: 200, none: 200 }],
    ["'host'", 'host', { ...all, bearer: 200, none: 200 }],
    ['a function that agrees', () => true, { ...all, bearer: 200, none: 200 }],
    ['a function that refuses', () => false, { ...all, signed: 401, bearer: 401, none: 401 }],
  ])('with %s: only right signatures, and keys where they are asked for', async (_name, authorize, statuses) => {
    for (const [name, make] of Object.entries(requests)) {
      const { toolkit, runs } = shop()
      const { status } = await serve(toolkit, { authorize })(make())
      expect([name, status, runs()]).toEqual([name, statuses[name], statuses[name] === 200 ? 1 : 0])
    }
  })

  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('a signed call runs nothing as %s', async (method) => {
    const { toolkit, runs } = shop()
    const { headers, body: bytes } = sign()
    const handle = createFetchHandler(toolkit)
    const init = { method, headers, body: ['GET', 'HEAD'].includes(method) ? null : bytes }
    await handle(new Request('http://localhost/atp/shop/echo', init))
    expect(runs()).toBe(0)
  })
})

describe('what is sent twice or odd', () => {
  it.each<[what: string, change: (headers: Headers) => void]>([
    ['two ids', (headers) => headers.append('webhook-id', callId)],
    ['two times', (headers) => headers.append('webhook-timestamp', '1')],
    ['an id of another form', (headers) => headers.set('webhook-id', `${callId}.é`)],
    ['an id of many characters', (headers) => headers.set('webhook-id', callId.repeat(10))],
    ['10,000 signatures, none of them right', (headers) => headers.set('webhook-signature', 'v1,AAAA '.repeat(10_000))],
  ])('%s: refused', async (_what, change) => {
    const { toolkit, runs } = shop()
    const signed = sign()
    const headers = new Headers(signed.headers)
    change(headers)
    const send = createFetchHandler(toolkit)
    const request = new Request('http://localhost/atp/shop/echo', { method: 'POST', headers, body: signed.body })
    expect([(await send(request)).status, runs()]).toEqual([401, 0])
  })

  it.each<[what: string, text: () => string, code: string]>([
    ['__proto__', () => body.replace('"params":{', '"params":{"__proto__":{"a":1},'), 'invalid_json'],
    ['params that are a list', () => body.replace(/"params":\{.*?\}/, '"params":[]'), 'invalid_request'],
    ['params that are nothing', () => body.replace(/"params":\{.*?\}/, '"params":null'), 'invalid_request'],
    ['a time below zero', () => body.replace('"deadline_ms":30000', '"deadline_ms":-1'), 'invalid_request'],
    ['a time that is no number', () => body.replace('"deadline_ms":30000', '"deadline_ms":"9"'), 'invalid_request'],
    ['no JSON', () => body.slice(0, -1), 'invalid_json'],
  ])('a signed body with %s: 400', async (_what, text, code) => {
    const { toolkit, runs } = shop()
    expect(text()).not.toBe(body)
    const { status, json } = await serve(toolkit)(sign(text()))
    expect([status, json.code, runs()]).toEqual([400, code, 0])
  })

  it('is read without its length, and no further than it may be', async () => {
    const { toolkit, runs } = shop()
    const { headers, body: bytes } = sign()
    const handle = createFetchHandler(toolkit)
    const send = (chunks: Iterator<Uint8Array>): Promise<Response> => {
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          const { done, value } = chunks.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      })
      const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body: stream, duplex: 'half' }
      return handle(new Request('http://localhost/atp/shop/echo', init))
    }
    expect((await send([bytes.slice(0, 9), bytes.slice(9)].values())).status).toBe(200)
    let sent = 0
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        sent += 65_536
        yield new Uint8Array(65_536)
      }
    }
    expect((await send(endless())).status).toBe(413)
    expect(sent).toBeLessThan(3 * 1_048_576)
    expect(runs()).toBe(1)
  })

  it('is for one route, however its path may be written', async () => {
    const { toolkit } = shop(key, 'my shop')
    const text = body.replace('"toolkit":"shop"', '"toolkit":"my shop"')
    expect((await serve(toolkit)(sign(text), '/atp/my%20shop/echo/')).status).toBe(200)
    for (const path of [
      '/atp/%6dy%20shop/echo',
      '/atp/my%2520shop/echo',
      '/atp/my%20shop/%65cho',
      '/atp/my%20shop//echo',
    ]) {
      expect([path, (await serve(toolkit)(sign(text, { id: `${callId}.2` }), path)).status]).toEqual([path, 404])
    }
  })
})

describe('the library standardwebhooks', () => {
  const secret = (): string => Buffer.from(hkdfSync('sha256', key, '', 'atp-endpoint-v1', 32)).toString('base64')

  it('signs calls that run here', async () => {
    const headers = {
      'content-type': 'application/vnd.atp.call+json',
      'webhook-id': callId,
      'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}`,
      'webhook-signature': new Webhook(secret()).sign(callId, new Date(), body),
    }
    expect((await serve(shop().toolkit)({ headers, body: new TextEncoder().encode(body) })).status).toBe(200)
  })

  it('verifies the calls that these tests sign', () => {
    const { headers } = sign()
    expect(new Webhook(secret()).verify(body, headers)).toEqual(JSON.parse(body))
  })
})
