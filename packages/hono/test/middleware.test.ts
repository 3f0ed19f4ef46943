import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { logger } from 'hono/logger'
import { secureHeaders } from 'hono/secure-headers'
import { timing } from 'hono/timing'
import { describe, expect, it } from 'vitest'
import { atp } from '../src/index.ts'
import { createPlaces, json } from './support/places-toolkit.ts'

const options = { authorize: 'public' } as const

describe('the middleware of the app', () => {
  it('cors answers preflights, and marks the answers of tools', async () => {
    const app = new Hono().use(cors({ origin: 'https://shop.example' })).route('/', atp(createPlaces(), options))
    const preflight = await app.request('/atp/places/echo', {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      expect.stringMatching('POST'),
    ])
    const answer = await app.request('/atp/places/echo', json({ city: 'Oslo' }, { origin: 'https://shop.example' }))
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(await answer.json()).toEqual({ result: { city: 'Oslo', days: 1 } })
  })

  it('compress packs long answers and leaves streams alone', async () => {
    const app = new Hono().use(compress()).route('/', atp(createPlaces(), options))
    const long = await app.request('/atp/places/long_text', json({}, { 'accept-encoding': 'gzip' }))
    expect(long.headers.get('content-encoding')).toBe('gzip')
    const unpacked = new Response(long.body?.pipeThrough(new DecompressionStream('gzip')))
    expect(await unpacked.json()).toEqual({ result: 'a'.repeat(5_000) })
    const headers = { accept: 'text/event-stream', 'accept-encoding': 'gzip' }
    const stream = await app.request('/atp/places/count', json({}, headers))
    expect(stream.headers.get('content-encoding')).toBeNull()
    expect(await stream.text()).toMatch(/^id: 1\nevent: chunk\ndata: 1\n\n/)
  })

  it('logger, timing and secureHeaders see requests and answers', async () => {
    const lines: string[] = []
    const app = new Hono()
    app.use(
      logger((line) => lines.push(line)),
      timing(),
      secureHeaders(),
    )
    app.route('/', atp(createPlaces(), options))
    const answer = await app.request('/atp/places/nothing', json({}))
    expect(answer.status).toBe(404)
    expect(answer.headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(answer.headers.get('server-timing')).toContain('total')
    expect(lines.at(-1)).toContain('/atp/places/nothing')
  })

  it.each(['with', 'without'])('bodyLimit counts bodies %s a length, and lets smaller ones through', async (length) => {
    const app = new Hono().use(bodyLimit({ maxSize: 100 })).route('/', atp(createPlaces(), options))
    const post = (body: string): Response | Promise<Response> =>
      app.request('/atp/places/echo', {
        method: 'POST',
        body: length === 'with' ? body : new Blob([body]).stream(),
        headers: {
          'content-type': 'application/json',
          ...(length === 'with' ? { 'content-length': `${body.length}` } : {}),
        },
        duplex: 'half',
      } as RequestInit)
    expect(await (await post('{"city":"Oslo"}')).json()).toEqual({ result: { city: 'Oslo', days: 1 } })
    expect((await post(JSON.stringify({ city: 'a'.repeat(200) }))).status).toBe(413)
  })
})
