import { getEventListeners } from 'node:events'
import { isAtpError } from '@atp/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Asking, onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { type Answer, type SeenRequest, startWeb, type Web } from './support/web.ts'

onBothPaths(({ create }) => {
  let web: Web
  let guarded: Asking
  let answer: Answer

  beforeAll(async () => {
    web = await startWeb((request, response) => answer(request, response))
    guarded = create(web.options)
  })

  afterAll(async () => {
    await guarded.close()
    await web[Symbol.asyncDispose]()
  })

  afterEach(() => {
    vi.unstubAllEnvs()
  })

  beforeEach(() => {
    web.seen.length = 0
    answer = (_request, response) => response.end('ok')
  })

  const url = 'https://public.example/path?query=a%20b'
  const lastSeen = (): SeenRequest => web.seen.at(-1) as SeenRequest

  describe('a request', () => {
    it('is what fetch would send', async () => {
      const response = await guarded(url, {
        method: 'put',
        headers: { 'X-One': '1', 'x-two': '2' },
        body: 'text',
      })
      expect([response.status, response.url, response.redirected]).toEqual([200, url, false])
      expect(lastSeen()).toMatchObject({
        ...{ url, method: 'PUT', body: 'text' },
        headers: { 'x-one': '1', 'x-two': '2', 'content-type': 'text/plain;charset=UTF-8', 'content-length': '4' },
      })
    })

    it('says what it accepts and who it is, unless the caller does', async () => {
      await guarded(url)
      expect(lastSeen().headers).toMatchObject({
        accept: '*/*',
        'accept-encoding': 'gzip, deflate, br, zstd',
        'user-agent': 'atp',
      })
      await guarded(url, { headers: { Accept: 'x/y', 'User-Agent': 'me' } })
      expect(lastSeen().headers).toMatchObject({ accept: 'x/y', 'user-agent': 'me' })
    })

    it('keeps the framing of the connection and the host to itself', async () => {
      const headers = {
        host: 'internal.example',
        connection: 'close',
        'content-length': '99',
        'transfer-encoding': 'chunked',
        te: 'x',
        expect: '100-continue',
        upgrade: 'h2c',
      }
      await guarded(url, { method: 'POST', body: 'four', headers })
      expect(lastSeen().headers).toMatchObject({
        host: 'public.example',
        connection: 'keep-alive',
        'content-length': '4',
      })
      expect(Object.keys(lastSeen().headers)).not.toEqual(expect.arrayContaining(['te']))
    })

    it.each([
      { what: 'a line break in a value', init: { headers: { 'x-one': 'a\r\nx-two: b' } } },
      { what: 'a line break at the end of a value', init: { headers: { 'x-one': 'a\n' } } },
      { what: 'a NUL in a value', init: { headers: { 'x-one': 'a\0' } } },
      { what: 'a character of more than one byte', init: { headers: { 'x-one': '€' } } },
      { what: 'a line break in a name', init: { headers: { 'x-one\r\nx': 'a' } } },
      { what: 'an empty name', init: { headers: { '': 'a' } } },
      { what: 'a body with GET', init: { body: 'x' } },
      { what: 'a method to tunnel with', init: { method: 'CONNECT' } },
      { what: 'a method that is none', init: { method: 'GET /x HTTP/1.1\r\n' } },
    ])('with $what is not sent', async ({ init }) => {
      const error = await errorOf(guarded(url, init))
      expect(error.code).toBe('invalid_request')
      expect(web.seen).toEqual([])
    })
  })

  describe('a response', () => {
    it('has its status and headers, each of several values by commas', async () => {
      answer = (_request, response) => {
        response.writeHead(404, 'Nope', { 'x-one': '1', 'x-two': ['a', 'b'] }).end('gone')
      }
      const response = await guarded(url)
      expect([response.status, response.statusText, response.url]).toEqual([404, 'Nope', url])
      expect(['x-one', 'x-two', 'constructor', '__proto__'].map((name) => response.headers.get(name))).toEqual([
        ...['1', 'a, b'],
        ...[null, null],
      ])
      expect(await response.text()).toBe('gone')
    })

    it.each([204, 205, 304])('of status %i has no body', async (status) => {
      answer = (_request, response) => response.writeHead(status).end()
      const response = await guarded(url)
      expect([response.status, await response.text()]).toEqual([status, ''])
    })

    it('to HEAD has no body but its headers', async () => {
      answer = (_request, response) =>
        response.writeHead(200, { 'content-length': '1000', 'content-encoding': 'gzip' }).end()
      const response = await guarded(url, { method: 'HEAD' })
      expect([await response.text(), response.headers.get('content-length')]).toEqual(['', '1000'])
    })

    it('streams: what was sent is there before the rest is', async () => {
      let finish = (): unknown => undefined
      answer = (_request, response) => {
        response.write('first')
        finish = () => response.end('second')
      }
      const response = await guarded(url)
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      const text = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value)
      expect(await text()).toBe('first')
      finish()
      expect(await text()).toBe('second')
      expect((await reader.read()).done).toBe(true)
    })

    it('that breaks off fails where it is read', async () => {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half', () => response.destroy())
      }
      const response = await guarded(url)
      const error = await errorOf(response.text())
      expect(error).toMatchObject({
        code: 'upstream_failed',
        retryable: true,
        details: { target: 'https://public.example' },
      })
      expect(error.message).not.toContain('path')
    })

    it.each(['identity', 'gzip'])('that breaks off while nobody reads it ends nothing else (%s)', async (coding) => {
      let breakOff = (): unknown => undefined
      answer = (_request, response) => {
        breakOff = () => response.destroy()
        response.writeHead(200, { 'content-length': '100', 'content-encoding': coding }).write('half')
      }
      const response = await guarded(url)
      const before = web.connections()
      breakOff()
      await expect.poll(() => web.connections()).toBe(before - 1)
      expect((await errorOf(response.text())).code).toBe('upstream_failed')
    })

    it('that breaks off gives what arrived first, and never looks complete', async () => {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half', () => response.destroy())
      }
      const response = await guarded(url)
      const before = web.connections()
      await expect.poll(() => web.connections()).toBe(before - 1)
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      expect(new TextDecoder().decode((await reader.read()).value)).toBe('half')
      expect((await errorOf(reader.read())).code).toBe('upstream_failed')
      expect((await errorOf(reader.read())).code).toBe('upstream_failed')
    })

    it('that is lost after a POST is not called retryable', async () => {
      answer = (_request, response) => response.destroy()
      expect(await errorOf(guarded(url, { method: 'POST', body: 'x' }))).toMatchObject({
        code: 'upstream_failed',
        retryable: false,
      })
      expect(await errorOf(guarded(url))).toMatchObject({ code: 'upstream_failed', retryable: true })
    })

    it('that is not HTTP is a failure', async () => {
      answer = (_request, response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
      expect((await errorOf(guarded(url))).code).toBe('upstream_failed')
    })

    it('with a status that no response has is a failure', async () => {
      answer = (_request, response) => response.socket?.end('HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n')
      expect((await errorOf(guarded(url))).code).toBe('upstream_failed')
    })

    it('lets go of the connection when its body is cancelled', async () => {
      answer = (_request, response) => response.write('first')
      const response = await guarded(url)
      await response.body?.cancel()
      await expect.poll(() => web.connections()).toBe(0)
    })
  })

  describe('the connection', () => {
    it('is used again', async () => {
      const before = web.internet.attempts.length
      for (let round = 0; round < 10; round += 1) await (await guarded(url)).text()
      expect(web.internet.attempts.length - before).toBeLessThanOrEqual(2)
    })

    it('goes to no proxy that the environment names', async () => {
      for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) {
        vi.stubEnv(name, `http://127.0.0.1:${web.plainPort}`)
      }
      await using fresh = create(web.options)
      const before = web.internet.attempts.length
      await (await fresh(url)).text()
      expect(web.internet.attempts.slice(before)).toEqual(['93.184.216.34:443'])
      expect(lastSeen()).toMatchObject({ method: 'GET', url })
    })

    it('checks certificates, whatever the environment says', async () => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      await using strangers = create({ lookup: web.options.lookup })
      const error = await errorOf(strangers(url))
      expect(error.code).toBe('upstream_failed')
      expect(error.message).toBe('https://public.example cannot be connected to (DEPTH_ZERO_SELF_SIGNED_CERT)')
      await using misnamed = create({ ...web.options, lookup: async () => ['93.184.216.34'] })
      expect((await errorOf(misnamed('https://wrong.example/'))).message).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
      expect(web.seen).toEqual([])
    })

    it('that nobody accepts is a failure to try again', async () => {
      const error = await errorOf(guarded('https://public.example:444/'))
      expect(error).toMatchObject({ code: 'upstream_failed', status: 502, retryable: true })
      expect(error.message).toBe('https://public.example:444 cannot be connected to (EHOSTUNREACH)')
    })
  })

  describe('ending it', () => {
    it('by a signal gives its reason, before, while waiting and while reading', async () => {
      const reason = new Error('enough')
      await expect(guarded(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      expect(web.seen).toEqual([])

      const waiting = new AbortController()
      answer = () => waiting.abort(reason)
      await expect(guarded(url, { signal: waiting.signal })).rejects.toBe(reason)

      const reading = new AbortController()
      answer = (_request, response) => response.write('first')
      const response = await guarded(url, { signal: reading.signal })
      reading.abort(reason)
      await expect(response.text()).rejects.toBe(reason)
      await expect.poll(() => web.connections()).toBe(0)
    })

    it('by a signal holds although the whole answer is there, if nobody has read it', async () => {
      const reason = new Error('enough')
      const reading = new AbortController()
      const response = await guarded(url, { signal: reading.signal })
      reading.abort(reason)
      await expect(response.text()).rejects.toBe(reason)
    })

    it('leaves nothing behind on the signal, whichever way it ends', async () => {
      const { signal } = new AbortController()
      await (await guarded(url, { signal })).text()
      await errorOf(guarded('https://169.254.169.254/', { signal }))
      answer = (_request, response) => response.write('first')
      await (await guarded(url, { signal })).body?.cancel()
      answer = (_request, response) => response.destroy()
      await errorOf(guarded(url, { signal }))
      answer = (_request, response) => response.writeHead(204).end()
      await guarded(url, { signal })
      expect(getEventListeners(signal, 'abort')).toEqual([])
    })

    it('by close ends what runs and refuses what comes', async () => {
      const closing = create(web.options)
      answer = (_request, response) => response.write('first')
      const response = await closing(url)
      const text = errorOf(response.text())
      await closing.close()
      expect((await text).code).toBe('client_stopped')
      expect((await errorOf(closing(url))).code).toBe('client_stopped')
    })
  })

  describe('options', () => {
    it.each([
      { connectTimeoutMs: 0 },
      { totalTimeoutMs: -1 },
      { totalTimeoutMs: Number.NaN },
      { maxResponseBytes: 0 },
      { allowTargets: ['internal.example'] },
    ])('like %j are refused', (options) => {
      let error: unknown
      try {
        create(options)
      } catch (thrown) {
        error = thrown
      }
      expect(isAtpError(error) && error.code).toBe('invalid_config')
    })
  })
})
