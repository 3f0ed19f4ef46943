import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectionOptions } from '../../src/clients/connection.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { type Attempt, type FakeSession, makeConnection } from './fake-sessions.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const down = (): AtpError => new AtpError('connection_failed', 'down')

/** A connection whose first session was told that its server drains. */
async function draining(deadlineMs = 20_000, options: Partial<ConnectionOptions> = {}) {
  const made = makeConnection(options)
  const starting = made.connection.start()
  const first = await made.attempts.next()
  const old = first.succeed()
  await starting
  old.drain(deadlineMs)
  await vi.advanceTimersByTimeAsync(0)
  return { ...made, first, old }
}

/** Ends an old session as its server does. */
function end(attempt: Attempt, session: FakeSession, code = 1012): void {
  Object.assign(session, { isOpen: false })
  attempt.gone(code, 'restart')
}

describe('a connection whose server drains', () => {
  it('opens another one at once, spread over a second, and keeps the old one for answers', async () => {
    const { connection, attempts, first, old, states } = await draining()
    expect(connection.state).toBe('moving')
    expect(connection.session).toBeUndefined()
    await vi.advanceTimersByTimeAsync(499)
    expect(attempts.all).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    const session = (await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.session).toBe(session)
    expect(old.closedWith).toEqual([])
    end(first, old)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(connection.session).toBe(session)
    expect(states()).toEqual(['connecting', 'connected', 'moving', 'connected'])
    expect(attempts.all).toHaveLength(2)
  })

  it.each([
    [400, 50],
    [0, 0],
    [1_000_000, 500],
  ])('with %d ms left waits %d ms where the random number is a half', async (deadlineMs, waitMs) => {
    const { connection, attempts } = await draining(deadlineMs)
    await vi.advanceTimersByTimeAsync(Math.max(0, waitMs - 1))
    expect(attempts.all).toHaveLength(waitMs === 0 ? 2 : 1)
    await vi.advanceTimersByTimeAsync(1)
    expect(attempts.all).toHaveLength(2)
    connection.stop()
    await vi.advanceTimersByTimeAsync(0)
  })

  it('gives the new session to those who ask meanwhile', async () => {
    const { connection, attempts, first, old } = await draining()
    const starting = connection.start()
    await vi.advanceTimersByTimeAsync(500)
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
    end(first, old)
  })

  it('tries again with backoff while nobody else answers, and is lost only when the old one ends', async () => {
    const { connection, attempts, first, old, changes } = await draining()
    await vi.advanceTimersByTimeAsync(500)
    ;(await attempts.next()).fail(down())
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.state).toBe('moving')
    await vi.advanceTimersByTimeAsync(200)
    end(first, old)
    expect(changes.at(-1)).toEqual({ state: 'reconnecting', code: 'connection_closed', retryInMs: 300 })
    await vi.advanceTimersByTimeAsync(299)
    expect(attempts.all).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(attempts.all).toHaveLength(3)
    ;(await attempts.next()).fail(down())
    await vi.advanceTimersByTimeAsync(0)
    expect(changes.at(-1)).toMatchObject({ state: 'reconnecting', code: 'connection_failed', retryInMs: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    ;(await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(0)
    expect(changes.map(({ state }) => state)).toEqual([
      ...['connecting', 'connected', 'moving', 'reconnecting', 'reconnecting', 'connected'],
    ])
  })

  it.each([4401, 4409, 1006])('takes no offence at how the old one ends, such as with %i', async (code) => {
    const { connection, attempts, first, old } = await draining()
    await vi.advanceTimersByTimeAsync(500)
    ;(await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(0)
    end(first, old, code)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(connection.state).toBe('connected')
  })

  it('counts as lost when it ends in the turn in which it drains', async () => {
    const made = makeConnection()
    void made.connection.start()
    const first = await made.attempts.next()
    const old = first.succeed()
    await vi.advanceTimersByTimeAsync(0)
    old.drain(20_000)
    end(first, old)
    await vi.advanceTimersByTimeAsync(0)
    expect(made.connection.state).toBe('reconnecting')
    expect(made.connection.session).toBeUndefined()
    await vi.advanceTimersByTimeAsync(500)
    expect(made.attempts.all).toHaveLength(2)
    ;(await made.attempts.next()).succeed()
  })

  it('gives up an old one that its server leaves open, five seconds late', async () => {
    const { connection, attempts, old } = await draining(20_000)
    await vi.advanceTimersByTimeAsync(500)
    ;(await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(24_499)
    expect(old.closedWith).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(old.closedWith).toEqual([{ code: 1000, reason: 'drained' }])
    expect(connection.state).toBe('connected')
  })

  it('closes the old one as well when it stops, and opens none', async () => {
    const { connection, attempts, old } = await draining()
    connection.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(old.closedWith).toEqual([{ code: 1000, reason: 'client stopped' }])
    expect(attempts.all).toHaveLength(1)
  })

  it('opens none while the client stops, but keeps the old one until then', async () => {
    const { connection, attempts, old } = await draining(20_000)
    connection.stopping()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(attempts.all).toHaveLength(1)
    expect(old.closedWith).toEqual([])
    connection.stop()
    expect(old.closedWith).toEqual([{ code: 1000, reason: 'client stopped' }])
  })

  it('closes one that was being opened when the client began to stop', async () => {
    const { connection, attempts } = await draining(20_000)
    await vi.advanceTimersByTimeAsync(500)
    connection.stopping()
    const session = (await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(0)
    expect(session.closedWith).toEqual([{ code: 1000, reason: 'client stopped' }])
    expect(connection.state).toBe('stopping')
    connection.stop()
  })

  it('ends for good when the key is refused meanwhile', async () => {
    const { connection, attempts, old } = await draining()
    await vi.advanceTimersByTimeAsync(500)
    ;(await attempts.next()).fail(new AtpError('unauthorized', 'revoked'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connection.state).toBe('refused')
    expect(old.closedWith).toEqual([{ code: 1000, reason: 'refused' }])
  })

  it('asks with backoff where every new connection is drained at once', async () => {
    const { connection, attempts, first, old } = await draining(0)
    const waits: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const session = (await attempts.next()).succeed()
      await vi.advanceTimersByTimeAsync(0)
      session.drain(0)
      const since = performance.now()
      const before = attempts.all.length
      while (attempts.all.length === before) await vi.advanceTimersByTimeAsync(50)
      waits.push(performance.now() - since)
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000])
    end(first, old)
    connection.stop()
    await vi.advanceTimersByTimeAsync(0)
  })
})
