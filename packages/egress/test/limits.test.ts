import { type AddressInfo, createServer } from 'node:net'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Asking, onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { publicAddress } from './support/shared-fixtures.ts'
import { type Answer, startWeb, type Web } from './support/web.ts'

onBothPaths(({ create, createOauth }) => {
  const url = 'https://public.example/'
  let web: Web
  let answer: Answer
  let guarded: Asking

  beforeAll(async () => {
    web = await startWeb((request, response) => answer(request, response))
  })

  afterAll(() => web[Symbol.asyncDispose]())

  beforeEach(() => {
    guarded = create(web.options)
  })

  afterEach(async () => {
    vi.useRealTimers()
    await guarded.close()
  })

  describe('a body', () => {
    const mib = 1024 * 1024
    const codings = [
      { coding: 'gzip', pack: gzipSync },
      { coding: 'x-gzip', pack: gzipSync },
      { coding: 'GZIP', pack: gzipSync },
      { coding: 'br', pack: brotliCompressSync },
      { coding: 'deflate', pack: deflateSync },
      { coding: 'deflate', pack: deflateRawSync },
      { coding: 'zstd', pack: zstdCompressSync },
    ]
    const send = (body: Uint8Array, coding?: string): void => {
      answer = (_request, response) => {
        const encoding = coding === undefined ? {} : { 'content-encoding': coding }
        response.writeHead(200, { 'content-length': body.byteLength, ...encoding }).end(body)
      }
    }

    it.each(codings)('packed with $coding is unpacked', async ({ coding, pack }) => {
      const text = 'something to pack '.repeat(10_000)
      send(pack(Buffer.from(text)), coding)
      const response = await guarded(url)
      expect(await response.text()).toBe(text)
      expect([response.headers.get('content-encoding'), response.headers.get('content-length')]).toEqual([null, null])
    })

    it.each(codings)('of 64 MiB packed with $coding into little is given up at 5 MiB', async ({ coding, pack }) => {
      const bomb = pack(Buffer.alloc(64 * mib))
      expect(bomb.byteLength).toBeLessThan(mib)
      send(bomb, coding)
      const response = await guarded(url)
      let received = 0
      const error = await errorOf(
        (async () => {
          for await (const chunk of response.body ?? []) received += chunk.byteLength
        })(),
      )
      expect(error).toMatchObject({ code: 'upstream_failed', retryable: false, details: { rule: 'E6' } })
      expect(error.message).toBe('https://public.example answered more than 5242880 bytes')
      expect(received).toBeLessThanOrEqual(5 * mib)
    })

    it('may have exactly as many bytes as are allowed, and not one more', async () => {
      send(Buffer.alloc(5 * mib, 'a'))
      expect((await (await guarded(url)).bytes()).byteLength).toBe(5 * mib)
      send(Buffer.alloc(5 * mib + 1, 'a'))
      const response = await guarded(url)
      expect(await errorOf(response.bytes())).toMatchObject({ code: 'upstream_failed', details: { rule: 'E6' } })
    })

    it('is counted while it streams', async () => {
      await using small = create({ ...web.options, maxResponseBytes: 10 })
      let next = (): unknown => undefined
      answer = (_request, response) => {
        response.write('123456')
        next = () => response.write('7890!')
      }
      const reader = ((await small(url)).body as ReadableStream<Uint8Array>).getReader()
      expect((await reader.read()).value?.byteLength).toBe(6)
      next()
      expect(await errorOf(reader.read())).toMatchObject({ details: { rule: 'E6' } })
      await expect.poll(() => web.connections()).toBe(0)
    })

    it('that unpacks to nothing, endlessly, is given up by what arrives', async () => {
      await using small = create({ ...web.options, maxResponseBytes: 100_000 })
      const nothing = gzipSync('')
      send(Buffer.concat(Array.from({ length: 10_000 }, () => nothing)), 'gzip')
      const response = await small(url)
      expect(await errorOf(response.text())).toMatchObject({ code: 'upstream_failed', details: { rule: 'E6' } })
    })

    it('packed more than once is refused', async () => {
      send(gzipSync(gzipSync('x')), 'gzip, gzip')
      expect(await errorOf(guarded(url))).toMatchObject({ code: 'upstream_failed', details: { rule: 'E6' } })
    })

    it('that is not what its coding says, or only half of it, is a failure', async () => {
      for (const { coding, pack } of codings) {
        send(Buffer.from('\x08not packed at all'), coding)
        expect((await errorOf((await guarded(url)).text())).code).toBe('upstream_failed')
        const packed = pack(Buffer.from('something to pack'))
        send(packed.subarray(0, packed.byteLength - 5), coding)
        expect((await errorOf((await guarded(url)).text())).code).toBe('upstream_failed')
      }
    })

    it('that asks for more memory than the web’s 8 MiB to be unpacked is a failure', async () => {
      const pack = (windowLog: number): Buffer => {
        return zstdCompressSync(Buffer.alloc(16 * mib), { params: { [constants.ZSTD_c_windowLog]: windowLog } })
      }
      await using large = create({ ...web.options, maxResponseBytes: 32 * mib })
      send(pack(23), 'zstd')
      expect((await (await large(url)).bytes()).byteLength).toBe(16 * mib)
      send(pack(24), 'zstd')
      const response = await large(url)
      expect((await errorOf(response.bytes())).code).toBe('upstream_failed')
    })

    it('of no bytes is none under any coding, and an unknown coding is the reader’s', async () => {
      for (const { coding } of codings) {
        send(Buffer.alloc(0), coding)
        expect(await (await guarded(url)).text()).toBe('')
      }
      send(Buffer.from('as it is'), 'rot13')
      const response = await guarded(url)
      expect([response.headers.get('content-encoding'), await response.text()]).toEqual(['rot13', 'as it is'])
    })

    it('is not read ahead of its reader', async () => {
      await using large = create({ ...web.options, maxResponseBytes: Number.POSITIVE_INFINITY })
      let written = 0
      let isFull = false
      answer = (_request, response) => {
        const chunk = Buffer.alloc(mib)
        for (isFull = false; !isFull && written < 200 * mib; written += chunk.byteLength)
          isFull = !response.write(chunk)
        const more = (): void => {
          written += chunk.byteLength
          response.write(chunk)
        }
        response.on('drain', more)
      }
      const response = await large(url)
      let before = -1
      await expect
        .poll(
          () => {
            const isStill = written === before
            before = written
            return isStill
          },
          { interval: 200 },
        )
        .toBe(true)
      expect(written).toBeLessThan(32 * mib)
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      for (let received = 0; received < 64 * mib; ) received += (await reader.read()).value?.byteLength ?? 0
      await reader.cancel()
    })
  })

  describe('time', () => {
    const fakeTime = (): void => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    }
    /** Whether a promise is settled once everything that is due has run. */
    const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
      const pending = Symbol('pending')
      const soon = new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(pending))))
      return (await Promise.race([promise.catch(() => undefined), soon])) !== pending
    }

    it.each([
      { what: 'fetch', make: create, limit: 30_000 },
      { what: 'OAuth fetch', make: createOauth, limit: 10_000 },
    ])('that a server takes to answer is limited: $what, $limit ms', async ({ make, limit }) => {
      await using timed = make(web.options)
      fakeTime()
      const asked = new Promise((resolve) => {
        answer = resolve
      })
      const outcome = errorOf(timed(url))
      await asked
      vi.advanceTimersByTime(limit - 1)
      expect(await isSettled(outcome)).toBe(false)
      vi.advanceTimersByTime(1)
      expect(await outcome).toMatchObject({
        code: 'upstream_timeout',
        status: 504,
        retryable: true,
        details: { rule: 'E6' },
      })
      expect((await outcome).message).toBe(`https://public.example was not done within ${limit} ms`)
      await expect.poll(() => web.connections()).toBe(0)
    })

    it('covers the body, however steadily it drips', async () => {
      fakeTime()
      answer = (_request, response) => response.write('drip')
      const response = await guarded(url)
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      await reader.read()
      const next = errorOf(reader.read())
      vi.advanceTimersByTime(30_000)
      expect(await next).toMatchObject({ code: 'upstream_timeout', details: { rule: 'E6' } })
    })

    it('covers all hops of a redirect together', async () => {
      fakeTime()
      const isAtSecond = new Promise<void>((resolve) => {
        answer = ({ url: asked }, response) => {
          if (asked === `${url}next`) return resolve()
          vi.advanceTimersByTime(29_999)
          response.writeHead(302, { location: '/next' }).end()
        }
      })
      const outcome = errorOf(guarded(url))
      await isAtSecond
      expect(await isSettled(outcome)).toBe(false)
      vi.advanceTimersByTime(1)
      expect((await outcome).code).toBe('upstream_timeout')
    })

    it('that a response lies about unread frees the connection', async () => {
      fakeTime()
      answer = (_request, response) => response.write('never read')
      await guarded(url)
      expect(web.connections()).toBe(1)
      vi.advanceTimersByTime(30_000)
      vi.useRealTimers()
      await expect.poll(() => web.connections()).toBe(0)
    })

    it('without end is possible for streams that stay open', async () => {
      await using endless = create({ ...web.options, totalTimeoutMs: Number.POSITIVE_INFINITY })
      fakeTime()
      let finish = (): unknown => undefined
      answer = (_request, response) => {
        response.write('first ')
        finish = () => response.end('last')
      }
      const response = await endless(url)
      vi.advanceTimersByTime(2 ** 40)
      finish()
      expect(await response.text()).toBe('first last')
    })

    it('to resolve a name is limited to 5 s', async () => {
      const asked = new Promise<void>((resolve) => {
        guarded = create({
          lookup: () => {
            resolve()
            return new Promise(() => {})
          },
        })
      })
      fakeTime()
      const outcome = errorOf(guarded(url))
      await asked
      vi.advanceTimersByTime(4_999)
      expect(await isSettled(outcome)).toBe(false)
      vi.advanceTimersByTime(1)
      expect(await outcome).toMatchObject({ code: 'upstream_timeout', details: { rule: 'E6' } })
      expect((await outcome).message).toBe('https://public.example was not connected to within 5000 ms')
    })

    it('to begin TLS is limited to the same 5 s', async () => {
      let accepted = (): void => {}
      const connected = new Promise<void>((resolve) => {
        accepted = resolve
      })
      const mute = createServer((socket) => {
        socket.on('error', () => {})
        accepted()
      })
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
      web.internet.host(publicAddress, 8443, (mute.address() as AddressInfo).port)
      fakeTime()
      const outcome = errorOf(guarded('https://public.example:8443/'))
      await connected
      vi.advanceTimersByTime(5_000)
      expect((await outcome).message).toBe('https://public.example:8443 was not connected to within 5000 ms')
      vi.useRealTimers()
      await new Promise((resolve) => mute.close(resolve))
    })
  })

  describe('the fetch for OAuth', () => {
    it('takes no more than 1 MiB', async () => {
      await using oauth = createOauth(web.options)
      answer = (_request, response) => response.end(Buffer.alloc(1024 * 1024 + 1))
      const response = await oauth(url)
      expect(await errorOf(response.text())).toMatchObject({ code: 'upstream_failed', details: { rule: 'E6' } })
    })

    it.each(['follow', 'manual', 'error'] as const)(
      'follows no redirect, even to itself and when asked to %s',
      async (redirect) => {
        await using oauth = createOauth(web.options)
        web.seen.length = 0
        answer = (_request, response) => response.writeHead(307, { location: '/token' }).end()
        const error = await errorOf(oauth(url, { method: 'POST', body: 'client_secret=s', redirect }))
        expect(error).toMatchObject({
          code: 'egress_refused',
          details: { rule: 'O10', target: 'https://public.example' },
        })
        expect(error.message).toContain('redirect')
        expect(web.seen).toHaveLength(1)
      },
    )

    it('obeys the rules of every other fetch', async () => {
      await using oauth = createOauth(web.options)
      expect(await errorOf(oauth('http://public.example/'))).toMatchObject({ details: { rule: 'E2' } })
      expect(await errorOf(oauth('https://metadata.google.internal/'))).toMatchObject({ details: { rule: 'E3' } })
    })
  })
})
