import { describe, expect, it } from 'vitest'
import { bearerKey } from '../../src/gateway/bearer.ts'
import { createOriginGuard, isLoopbackName } from '../../src/gateway/origin-guard.ts'
import { RateWindow } from '../../src/gateway/rate-window.ts'

describe('a rate window', () => {
  it('lets so many events of a name through in each window, and says how long to wait', () => {
    let now = 0
    const window = new RateWindow(2, 1_000, { now: () => now })
    expect([window.take('a'), window.take('a'), window.take('b')]).toEqual([0, 0, 0])
    now = 400
    expect(window.take('a')).toBe(600)
    now = 1_000
    expect(window.take('a')).toBe(0)
  })

  it('counts names together that it has no room for, so that a flood of names costs no memory', () => {
    let now = 0
    const window = new RateWindow(1, 1_000, { now: () => now, maxNames: 2 })
    expect([window.take('a'), window.take('b'), window.take('c')]).toEqual([0, 0, 0])
    expect(window.take('d')).toBeGreaterThan(0)
    now = 1_000
    expect(window.take('d')).toBe(0)
  })
})

describe('the key of a header', () => {
  it.each([
    ['Bearer k1', 'k1'],
    ['bearer  k1 ', 'k1'],
    ['ApiKey k1', 'k1'],
    ['Basic k1', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    [undefined, undefined],
  ])('of %j is %j', (header, key) => {
    expect(bearerKey(header)).toBe(key)
  })
})

describe('the origin guard', () => {
  const guard = createOriginGuard({ allowedOrigins: ['https://app.example'], loopback: true })
  const open = createOriginGuard({ allowedOrigins: [], loopback: false })

  it.each(['127.0.0.1:4870', 'localhost', 'LOCALHOST:1', '[::1]:4870', '127.8.8.8'])(
    'serves Host %s on loopback',
    (host) => {
      expect(() => guard({ host, origin: undefined })).not.toThrow()
    },
  )

  it.each([
    undefined,
    '',
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:80',
    '127.0.0.1@evil.example',
  ])('refuses Host %s on loopback', (host) => {
    expect(() => guard({ host, origin: undefined })).toThrow(expect.objectContaining({ code: 'forbidden' }))
  })

  it('lets only allowed origins in, and any Host on a public bind', () => {
    expect(() => guard({ host: 'localhost', origin: 'https://app.example' })).not.toThrow()
    expect(() => guard({ host: 'localhost', origin: 'https://app.example.evil' })).toThrow()
    expect(() => guard({ host: 'localhost', origin: 'null' })).toThrow()
    expect(() => open({ host: 'atp.example', origin: undefined })).not.toThrow()
  })

  it('shows nothing unprintable of what it refuses', () => {
    expect(() => guard({ host: 'a\r\nb', origin: undefined })).toThrow(/"a\?\?b"/)
  })

  it('knows loopback names', () => {
    expect(['127.0.0.1', '::1', 'localhost'].every(isLoopbackName)).toBe(true)
    expect(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'example.com'].some(isLoopbackName)).toBe(false)
  })
})
