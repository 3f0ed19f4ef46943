import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { AtpError, Toolkit } from '@atp/core'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { atpRouter } from '../src/index.ts'
import { serve } from './serve.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function listen(app: express.Express): Promise<string> {
  const { url, close } = await serve(app)
  closing.push(close)
  return url
}

function shop(): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop' })
  toolkit.registerTool(
    {
      name: 'find',
      description: 'Finds tea',
      params: z.object({ words: z.string().optional(), page: z.int().default(1) }),
    },
    (args, { principal, callId }) => ({ ...args, principal: principal?.id, callId }),
  )
  return toolkit
}

function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(url, { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers } })
}

interface Manual {
  tools: { tool_call_template: { url: string } }[]
}

async function toolUrl(manualUrl: string, headers: Record<string, string> = {}): Promise<string | undefined> {
  const { tools } = (await (await fetch(manualUrl, { headers })).json()) as Manual
  return tools[0]?.tool_call_template.url
}

describe('where it is mounted', () => {
  it('names the whole path of nested routers and their parameters, and leaves the rest to the app', async () => {
    const tenant = express.Router({ mergeParams: true })
    tenant.use(atpRouter(shop(), { authorize: 'public' }))
    tenant.get('/atp-status', (request, response) => void response.send(`${request.baseUrl} is well`))
    const app = express().use('/api', express.Router().use('/:tenant', tenant))
    const url = await listen(app)

    expect(await toolUrl(`${url}/api/acme%20tea/utcp`)).toBe(`${url}/api/acme%20tea/atp/shop/find/`)
    expect((await postJson(`${url}/api/acme%20tea/atp/shop/find`, {})).status).toBe(200)
    expect(await (await fetch(`${url}/api/acme/atp-status`)).text()).toBe('/api/acme is well')
    expect((await fetch(`${url}/api/atp`)).status).toBe(404)
  })

  it('believes a proxy only where the app trusts it', async () => {
    const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'tea.example.com' }
    const trusting = express().set('trust proxy', true).use('/api', atpRouter(shop()))
    expect(await toolUrl(`${await listen(trusting)}/api/utcp`, proxied)).toBe(
      'https://tea.example.com/api/atp/shop/find/',
    )
    const url = await listen(express().use('/api', atpRouter(shop())))
    expect(await toolUrl(`${url}/api/utcp`, proxied)).toBe(`${url}/api/atp/shop/find/`)
  })

  it('names no address to a client that names no host', async () => {
    const { port } = new URL(await listen(express().use(atpRouter(shop()))))
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    socket.end('GET /utcp HTTP/1.0\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 .*"code":"invalid_request"/s)
  })
})

describe('who calls', () => {
  it('gives authorize and env the Express request, with what the app put on it', async () => {
    const app = express()
      .use((request, _response, next) => {
        Object.assign(request, { user: request.get('x-user') })
        next()
      })
      .use(
        atpRouter(shop(), {
          authorize: ({ native }) => {
            const { user } = native as express.Request & { user?: string }
            if (user === 'mallory') throw new AtpError('forbidden', 'Mallory may not')
            return user === undefined ? false : { id: `${user}@${native.ip}` }
          },
        }),
      )
    const find = `${await listen(app)}/atp/shop/find/`

    expect((await postJson(find, {})).status).toBe(401)
    expect((await postJson(find, {}, { 'x-user': 'mallory' })).status).toBe(403)
    const { result } = (await (await postJson(find, {}, { 'x-user': 'ada' })).json()) as { result: unknown }
    expect(result).toMatchObject({ principal: 'ada@127.0.0.1' })
  })

  it('answers a failing authorize itself: the app’s error handler is not asked', async () => {
    const heard: unknown[] = []
    const app = express()
      .use(atpRouter(shop(), { authorize: () => Promise.reject(new Error('no database')) }))
      .use(((error, _request, response, _next) => {
        heard.push(error)
        response.sendStatus(418)
      }) satisfies express.ErrorRequestHandler)
    const response = await postJson(`${await listen(app)}/atp/shop/find/`, {})
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('database')
    expect(heard).toEqual([])
  })

  it('calls a request by the id that a logger of the app gave it, if that is a text', async () => {
    const ids = ['r-17', 17]
    const app = express()
      .use((request, _response, next) => {
        Object.assign(request, { id: ids.shift() })
        next()
      })
      .use(atpRouter(shop(), { authorize: 'public' }))
    const find = `${await listen(app)}/atp/shop/find/`
    expect(await (await postJson(find, {})).json()).toMatchObject({ result: { callId: 'r-17' } })
    expect(await (await postJson(find, {})).json()).toMatchObject({
      result: { callId: expect.stringMatching(/^.{36}$/) },
    })
  })
})

describe('bodies', () => {
  const parsers: [string, express.RequestHandler][] = [
    ['express.json()', express.json()],
    ['express.raw()', express.raw({ type: '*/*' })],
    ['express.text()', express.text({ type: '*/*' })],
    ['express.urlencoded()', express.urlencoded()],
  ]
  it.each(parsers)('are understood behind and before %s', async (_name, parser) => {
    const app = express()
      .use('/before', atpRouter(shop(), { authorize: 'public' }))
      .use(parser)
      .use('/behind', atpRouter(shop(), { authorize: 'public' }))
    const url = await listen(app)
    for (const mount of ['before', 'behind']) {
      const find = `${url}/${mount}/atp/shop/find`
      const json = await postJson(find, { words: 'green', page: 2 })
      expect(await json.json()).toMatchObject({ result: { words: 'green', page: 2 } })
      const form = await fetch(find, { method: 'POST', body: new URLSearchParams({ words: 'green', page: '2' }) })
      expect(await form.json()).toMatchObject({ result: { words: 'green', page: 2 } })
      const none = await fetch(find, { method: 'POST' })
      expect(await none.json()).toMatchObject({ result: { page: 1 } })
    }
  })

  it('that the app’s parser refuses are the app’s to answer behind it, and ours before it', async () => {
    const app = express()
      .use('/before', atpRouter(shop(), { authorize: 'public' }))
      .use(express.json({ limit: 20 }))
      .use('/behind', atpRouter(shop(), { authorize: 'public' }))
      .use(((error, _request, response, _next) => {
        response.status(error.status).json({ refused: error.type })
      }) satisfies express.ErrorRequestHandler)
    const url = await listen(app)
    const large = { words: 'longer than twenty bytes' }

    const bad = await postJson(`${url}/behind/atp/shop/find`, '{"words":')
    expect([bad.status, await bad.json()]).toEqual([400, { refused: 'entity.parse.failed' }])
    const refused = await postJson(`${url}/behind/atp/shop/find`, large)
    expect([refused.status, await refused.json()]).toEqual([413, { refused: 'entity.too.large' }])

    expect(await (await postJson(`${url}/before/atp/shop/find`, '{"words":')).json()).toMatchObject({
      code: 'invalid_json',
    })
    expect((await postJson(`${url}/before/atp/shop/find`, large)).status).toBe(200)
  })

  it('that another middleware read and kept do not hang the request', async () => {
    const app = express()
      .use((request, _response, next) => {
        request.on('end', next).resume()
      })
      .use(atpRouter(shop(), { authorize: 'public' }))
    const response = await postJson(`${await listen(app)}/atp/shop/find`, { words: 'green' })
    expect(await response.json()).toBeTypeOf('object')
  })
})

describe('behind a middleware that compresses', () => {
  it('answers JSON compressed', async () => {
    const app = express()
      .use(compress)
      .use(atpRouter(shop(), { authorize: 'public' }))
    const response = await postJson(`${await listen(app)}/atp/shop/find`, { words: 'green' })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.json()).toMatchObject({ result: { words: 'green' } })
  })

  it('still streams each event as it comes', async () => {
    const toolkit = new Toolkit({ appName: 'slow' })
    let seen = (): void => {}
    const untilSeen = new Promise<void>((resolve) => {
      seen = resolve
    })
    toolkit.registerTool({ name: 'steps', description: 'Waits until its first step was seen' }, async function* () {
      yield 'first'
      await untilSeen
      yield 'x'.repeat(200_000)
    })
    const app = express()
      .use(compress)
      .use(atpRouter(toolkit, { authorize: 'public' }))
    const response = await postJson(`${await listen(app)}/atp/slow/steps`, {}, { accept: 'text/event-stream' })
    let events = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      events += chunk
      if (events.includes('"first"')) seen()
    }
    expect(events.match(/^event: .*$/gm)).toEqual(['event: chunk', 'event: chunk', 'event: result'])
  })
})

/** Works as the package `compression` does: decides when the head is written, and leaves alone what says no-transform. */
const compress: express.RequestHandler = (_request, response, next) => {
  const { writeHead, write, end, on } = response
  let zipped: ReturnType<typeof createGzip> | undefined
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(response.statusCode)
  }
  Object.assign(response, {
    writeHead: (status: number) => {
      if (!/no-transform/.test(String(response.get('cache-control')))) {
        response.removeHeader('content-length')
        response.setHeader('content-encoding', 'gzip')
        zipped = createGzip()
        zipped.on('data', (chunk) => write.call(response, chunk, 'utf8'))
        zipped.on('end', () => end.call(response, undefined, 'utf8'))
      }
      return writeHead.call(response, status)
    },
    write: (chunk: string) => {
      begin()
      return zipped ? zipped.write(chunk) : write.call(response, chunk, 'utf8')
    },
    end: (chunk?: string) => {
      begin()
      return zipped ? zipped.end(chunk) : end.call(response, chunk, 'utf8')
    },
    on: (event: string, listener: () => void) =>
      event === 'drain' && zipped ? zipped.on(event, listener) : on.call(response, event, listener),
  })
  next()
}
