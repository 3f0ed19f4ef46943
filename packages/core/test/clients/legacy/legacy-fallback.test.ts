import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LegacyFallback, withLegacyFallback } from '../../../src/clients/legacy/legacy-fallback.ts'
import { AtpError } from '../../../src/errors/atp-error.ts'
import { silentLogger } from '../../../src/logging/logger.ts'
import type { Connect, Connected } from '../../../src/transport/transport.ts'
import { notFound } from './founding-peers.ts'

type Outcome = AtpError | undefined

let tried: string[]
let second: Outcome
let founding: Outcome

const connected: Connected = {
  keySent: true,
  transport: { send() {}, close() {}, terminate() {}, bufferedAmount: 0, seesPings: false },
}
const options: Parameters<Connect>[0] = {
  url: 'ws://server/ws/v2/llm',
  apiKey: 'k',
  timeoutMs: 1,
  signal: new AbortController().signal,
  handlers: { onMessage() {}, onActivity() {}, onClose() {} },
}

beforeEach(() => {
  vi.useFakeTimers()
  tried = []
  second = notFound()
  founding = undefined
})
afterEach(() => {
  vi.useRealTimers()
})

const make = (mode: LegacyFallback, missing: (forget: () => void) => void = () => {}): Connect =>
  withLegacyFallback({
    mode,
    logger: silentLogger,
    async connect() {
      tried.push('v2')
      if (second) throw second
      return connected
    },
    async openLegacy(_options, forget) {
      tried.push('v1')
      missing(forget)
      if (founding) throw founding
      return connected
    },
  })

const codeOf = (connecting: Promise<Connected>): Promise<unknown> =>
  connecting.then(
    () => 'connected',
    (error: AtpError) => error.code,
  )

describe('falling back to the founding wire', () => {
  it('happens on 404, and the finding holds for the next five minutes', async () => {
    const connect = make(true)
    await connect(options)
    vi.advanceTimersByTime(299_999)
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v1'])
    vi.advanceTimersByTime(1)
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v1', 'v2', 'v1'])
  })

  it('ends with a server that was upgraded', async () => {
    const connect = make(true)
    await connect(options)
    second = undefined
    vi.advanceTimersByTime(300_000)
    await connect(options)
    second = notFound()
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v2', 'v2', 'v1'])
  })

  it.each([
    new AtpError('connection_failed', 'ECONNREFUSED'),
    new AtpError('connection_failed', 'Bad Gateway', { details: { status: 502 } }),
    new AtpError('unauthorized', 'no', { details: { status: 401 } }),
    new AtpError('rate_limited', 'later', { details: { status: 429 } }),
  ])('does not happen on anything else: $code', async (error) => {
    second = error
    expect(await codeOf(make(true)(options))).toBe(error.code)
    expect(tried).toEqual(['v2'])
  })

  it('keeps what it found while the server is away', async () => {
    const connect = make(true)
    await connect(options)
    founding = new AtpError('connection_failed', 'ECONNREFUSED')
    expect(await codeOf(connect(options))).toBe('connection_failed')
    founding = undefined
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v1', 'v1'])
  })

  it('forgets it at once when the founding addresses are gone too', async () => {
    const connect = make(true)
    await connect(options)
    founding = notFound()
    expect(await codeOf(connect(options))).toBe('connection_failed')
    second = undefined
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v1', 'v2'])
  })

  it('forgets it when their absence shows later', async () => {
    let forget = (): void => {}
    const connect = make(true, (given) => {
      forget = given
    })
    await connect(options)
    forget()
    second = undefined
    await connect(options)
    expect(tried).toEqual(['v2', 'v1', 'v2'])
  })

  it('can be off, or all there is', async () => {
    expect(await codeOf(make(false)(options))).toBe('connection_failed')
    expect(tried).toEqual(['v2'])
    tried = []
    founding = notFound()
    const always = make('always')
    expect(await codeOf(always(options))).toBe('connection_failed')
    expect(await codeOf(always(options))).toBe('connection_failed')
    expect(tried).toEqual(['v1', 'v1'])
  })
})
