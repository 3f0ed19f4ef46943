import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { AtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HandshakeRefusal, type HandshakeRefusalOptions } from '../../src/gateway/handshake-refusal.ts'
import { readAnswer } from '../support/raw-http.ts'

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
const request = { url: '/ws/v2/llm' }

function create(options: Partial<HandshakeRefusalOptions> = {}): HandshakeRefusal {
  return new HandshakeRefusal({ delayMs: 1_000, maxWaiting: 10, newId: () => 'id-1', logger: silentLogger, ...options })
}

it('answers what is the peer’s own doing a second later', () => {
  const refusal = create()
  const { stream, written } = connection()
  refusal.refuse(request, stream, unauthorized)
  vi.advanceTimersByTime(999)
  expect(written()).toBe('')
  vi.advanceTimersByTime(1)
  expect(readAnswer(written())).toEqual({
    status: 401,
    headers: expect.objectContaining({ 'www-authenticate': 'Bearer', connection: 'close' }),
    body: { error: 'The API key is wrong', code: 'unauthorized', request_id: 'id-1' },
  })
})

it('answers what is the server’s own doing at once, and masks defects', () => {
  const refusal = create()
  const [restart, defect] = [connection(), connection()]
  refusal.refuse(request, restart.stream, new AtpError('server_shutting_down', 'The server restarts'))
  refusal.refuse(request, defect.stream, new Error('select * from secrets'))
  expect(restart.written()).toContain('503')
  expect(defect.written()).toContain('500')
  expect(defect.written()).not.toContain('secrets')
})

it('says when to come back in whole seconds', () => {
  const refusal = create({ delayMs: 0 })
  const { stream, written } = connection()
  refusal.refuse(request, stream, new AtpError('rate_limited', 'Too often', { details: { retryAfterMs: 1_001 } }))
  expect(readAnswer(written()).headers).toMatchObject({ 'retry-after': '2' })
})

it('lets so many wait at once, answers the rest at once, and has room again when one is gone', async () => {
  const refusal = create({ maxWaiting: 2 })
  const [first, second, third, fourth] = [connection(), connection(), connection(), connection()]
  refusal.refuse(request, first.stream, unauthorized)
  refusal.refuse(request, second.stream, unauthorized)
  refusal.refuse(request, third.stream, unauthorized)
  expect([first, second, third].map(({ written }) => written() !== '')).toEqual([false, false, true])
  const gone = new Promise((done) => first.stream.once('close', done))
  first.stream.destroy()
  await gone
  refusal.refuse(request, fourth.stream, unauthorized)
  expect(fourth.written()).toBe('')
  vi.advanceTimersByTime(1_000)
  expect([first, second, fourth].map(({ written }) => written() !== '')).toEqual([false, true, true])
  // Those that keep their half of the connection open after their answer are cut off.
  const closed = Promise.all([once(second.stream, 'close'), once(fourth.stream, 'close')])
  vi.advanceTimersByTime(1_000)
  await closed
  expect(vi.getTimerCount()).toBe(0)
})

it('logs every refusal under the id that the peer is told, a defect whole, and never the address', () => {
  const log: unknown[] = []
  const note = (event: string, fields?: Record<string, unknown>): void => void log.push({ event, ...fields })
  const refusal = create({ delayMs: 0, logger: { ...silentLogger, debug: note, error: note } })
  refusal.refuse({ url: '/ws/v1/atp/canary/' }, connection().stream, unauthorized)
  refusal.refuse({ url: '/ws/v1/atp/canary/' }, connection().stream, new Error('no such table'))
  expect(log).toEqual([
    { event: 'socket.refused', requestId: 'id-1', code: 'unauthorized' },
    { event: 'gateway.defect', requestId: 'id-1', error: expect.stringMatching(/no such table\n +at /) },
    { event: 'socket.refused', requestId: 'id-1', code: 'internal_error' },
  ])
})
