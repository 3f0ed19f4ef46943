import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { guardedConnect } from '../src/index.ts'
import { errorOf } from './support/refusal.ts'
import { publicAddress } from './support/shared-fixtures.ts'
import { startWeb, type Web } from './support/web.ts'

let web: Web
const peers = new Set<Socket>()
/** Sends back what it gets, without TLS. */
const echo = createServer((socket) => {
  peers.add(socket.on('error', () => {}).once('close', () => peers.delete(socket)))
  socket.pipe(socket)
})

beforeAll(async () => {
  web = await startWeb((_request, response) => response.end('public'))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  web.internet.host(publicAddress, 7, (echo.address() as AddressInfo).port)
})

afterAll(async () => {
  await web[Symbol.asyncDispose]()
  await new Promise((resolve) => echo.close(resolve))
})

afterEach(() => {
  vi.useRealTimers()
})

const plain = () => ({ ...web.options, host: 'public.example', port: 7, tls: false, allowPlainText: true })

describe('a socket', () => {
  it('speaks TLS with the name it was asked for', async () => {
    const socket = await guardedConnect({
      ...web.options,
      host: 'PUBLIC.example',
      port: 443,
      alpnProtocols: ['http/1.1'],
    })
    expect(socket).toBeInstanceOf(TLSSocket)
    expect(socket).toMatchObject({ authorized: true, servername: 'public.example', alpnProtocol: 'http/1.1' })
    socket.end('GET / HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += chunk
    expect(text).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('carries plain text to a public target only when that was allowed', async () => {
    const socket = await guardedConnect(plain())
    socket.write('ping')
    expect(String(await once(socket, 'data').then(([data]) => data))).toBe('ping')
    socket.destroy()
    const error = await errorOf(guardedConnect({ ...plain(), allowPlainText: false }))
    expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E2', target: 'public.example:7' } })
    expect(error.message).toContain('only encrypted connections')
  })

  it('carries plain text to loopback where that is open, and nowhere private where plain text is', async () => {
    const { port } = echo.address() as AddressInfo
    const socket = await guardedConnect({ host: '127.0.0.1', port, tls: false, allowLoopbackHttp: true })
    socket.destroy()
    for (const host of ['127.0.0.1', 'localhost', '10.0.0.5', 'loopback.example']) {
      expect(await errorOf(guardedConnect({ ...plain(), host, port }))).toMatchObject({ details: { rule: 'E3' } })
    }
  })

  it.each([
    ...[
      '',
      ' ',
      'public.example:443',
      'public.example/',
      'user@public.example',
      '@public.example',
      'public.example?',
      'public.example#x',
    ],
    ...[
      'public.example\\',
      ' public.example',
      'public.example\n',
      '[public.example]',
      '[::1]:443',
      '[::1',
      '::1]',
      'a b',
    ],
  ])('is refused %j, which is not a host', async (host) => {
    const before = web.internet.attempts.length
    expect(await errorOf(guardedConnect({ ...plain(), host }))).toMatchObject({
      code: 'egress_refused',
      details: { rule: 'E2' },
    })
    expect(web.internet.attempts.slice(before)).toEqual([])
  })

  it('is refused a port that is none', async () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      expect((await errorOf(guardedConnect({ ...plain(), port }))).code).toBe('invalid_request')
    }
  })

  it('fails with a cause that names no address', async () => {
    const error = await errorOf(guardedConnect({ ...plain(), port: 8 }))
    expect(error).toMatchObject({ code: 'upstream_failed', retryable: true })
    expect(error.message).toBe('public.example:8 cannot be connected to (EHOSTUNREACH)')
  })
})

describe('time', () => {
  const fakeTime = (): void => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  }

  it('to connect is limited to 5 s', async () => {
    fakeTime()
    const outcome = errorOf(guardedConnect({ ...plain(), lookup: () => new Promise(() => {}) }))
    vi.advanceTimersByTime(5_000)
    const error = await outcome
    expect(error).toMatchObject({ code: 'upstream_timeout', details: { rule: 'E6' } })
    expect(error.message).toBe('public.example:7 was not connected to within 5000 ms')
  })

  it('to live is limited to 30 s', async () => {
    fakeTime()
    const socket = await guardedConnect(plain())
    const closed = new Promise((resolve) => socket.once('error', resolve))
    vi.advanceTimersByTime(29_999)
    expect(socket.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(await closed).toMatchObject({ code: 'upstream_timeout', details: { rule: 'E6' } })
    vi.useRealTimers()
    await expect.poll(() => peers.size).toBe(0)
  })

  it('may be without end', async () => {
    fakeTime()
    const socket = await guardedConnect({ ...plain(), totalTimeoutMs: Number.POSITIVE_INFINITY })
    vi.advanceTimersByTime(2 ** 40)
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  it('ends the attempt, before it and while it lasts', async () => {
    const before = web.internet.attempts.length
    await expect(guardedConnect({ ...plain(), signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const lookup = async (): Promise<string[]> => {
      controller.abort(reason)
      return [publicAddress]
    }
    await expect(guardedConnect({ ...plain(), lookup, signal: controller.signal })).rejects.toBe(reason)
    expect(web.internet.attempts.slice(before)).toEqual([])
  })

  it('ends the connection, and an error that nobody listens to ends nothing else', async () => {
    const controller = new AbortController()
    const socket = await guardedConnect({ ...plain(), signal: controller.signal })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    controller.abort(reason)
    await closed
    await expect.poll(() => peers.size).toBe(0)
  })
})
