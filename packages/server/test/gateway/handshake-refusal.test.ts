import { Duplex } from 'node:stream'
import { AtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HandshakeRefusal } from '../../src/gateway/handshake-refusal.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A connection that keeps what is written to it. */
function connection(): { stream: Duplex; written: () => string } {
  let written = ''
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString()
      done()
    },
  })
  return { stream, written: () => written }
}

const unauthorized = new AtpError('unauthorized', 'The API key is wrong')

it('answers what is the peer’s own doing a second later', () => {
  const refusal = new HandshakeRefusal({ delayMs: 1_000, maxWaiting: 10, logger: silentLogger })
  const { stream, written } = connection()
  refusal.refuse(stream, unauthorized)
  vi.advanceTimersByTime(999)
  expect(written()).toBe('')
  vi.advanceTimersByTime(1)
  expect(written()).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"unauthorized"/)
})

it('answers what is the server’s own doing at once, and masks defects', () => {
  const refusal = new HandshakeRefusal({ delayMs: 1_000, maxWaiting: 10, logger: silentLogger })
  const [restart, defect] = [connection(), connection()]
  refusal.refuse(restart.stream, new AtpError('server_shutting_down', 'The server restarts'))
  refusal.refuse(defect.stream, new Error('select * from secrets'))
  expect(restart.written()).toContain('503')
  expect(defect.written()).toContain('500')
  expect(defect.written()).not.toContain('secrets')
})

it('says when to come back in whole seconds', () => {
  const refusal = new HandshakeRefusal({ delayMs: 0, maxWaiting: 10, logger: silentLogger })
  const { stream, written } = connection()
  refusal.refuse(stream, new AtpError('rate_limited', 'Too often', { details: { retryAfterMs: 1_001 } }))
  expect(written()).toContain('\r\nRetry-After: 2\r\n')
})

it('lets so many wait at once, answers the rest at once, and has room again when one is gone', async () => {
  const refusal = new HandshakeRefusal({ delayMs: 1_000, maxWaiting: 2, logger: silentLogger })
  const [first, second, third, fourth] = [connection(), connection(), connection(), connection()]
  refusal.refuse(first.stream, unauthorized)
  refusal.refuse(second.stream, unauthorized)
  refusal.refuse(third.stream, unauthorized)
  expect([first, second, third].map(({ written }) => written() !== '')).toEqual([false, false, true])
  const gone = new Promise((done) => first.stream.once('close', done))
  first.stream.destroy()
  await gone
  refusal.refuse(fourth.stream, unauthorized)
  expect(fourth.written()).toBe('')
  vi.advanceTimersByTime(1_000)
  expect([first, second, fourth].map(({ written }) => written() !== '')).toEqual([false, true, true])
  expect(vi.getTimerCount()).toBe(0)
})
