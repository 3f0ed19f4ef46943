import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AtpError } from '../../src/errors/atp-error.ts'
import { makeConnection } from './fake-sessions.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  // Whatever a test did: a stopped connection leaves nothing behind.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const down = new AtpError('connection_failed', 'down')
const stopped = expect.objectContaining({ code: 'client_stopped' })

describe('stopping a connection', () => {
  it('ends one that never started', () => {
    const { connection } = makeConnection()
    connection.stop()
    expect(connection.state).toBe('stopped')
  })

  it('ends it while it connects: the attempt is aborted and whoever waits is told', async () => {
    const { connection, attempts, states } = makeConnection()
    const failed = expect(connection.start()).rejects.toEqual(stopped)
    const attempt = await attempts.next()
    connection.stop()
    expect(attempt.signal.aborted).toBe(true)
    await failed
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states()).toEqual(['connecting', 'stopped'])
    expect(attempts.all).toHaveLength(1)
  })

  it('closes a session that is opened although the attempt was aborted', async () => {
    const { connection, attempts, states } = makeConnection()
    const failed = expect(connection.start()).rejects.toEqual(stopped)
    const attempt = await attempts.next()
    const session = attempt.succeed()
    connection.stop()
    await failed
    await vi.advanceTimersByTimeAsync(0)
    expect(session.closedWith).toEqual([{ code: 1000, reason: 'client stopped' }])
    expect(connection.session).toBeUndefined()
    expect(states()).toEqual(['connecting', 'stopped'])
  })

  it('ends it while it waits for the next attempt', async () => {
    const { connection, attempts, states } = makeConnection()
    const failed = expect(connection.start()).rejects.toEqual(stopped)
    ;(await attempts.next()).fail(down)
    await vi.advanceTimersByTimeAsync(10)
    expect(connection.state).toBe('reconnecting')
    connection.stop()
    await failed
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states()).toEqual(['connecting', 'reconnecting', 'stopped'])
    expect(attempts.all).toHaveLength(1)
  })

  it('closes the open session with 1000', async () => {
    const { connection, attempts, states } = makeConnection()
    const starting = connection.start()
    const session = (await attempts.next()).succeed()
    await starting
    connection.stop()
    expect(session.closedWith).toEqual([{ code: 1000, reason: 'client stopped' }])
    expect(connection.session).toBeUndefined()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states()).toEqual(['connecting', 'connected', 'stopped'])
  })

  it('does not mind being told of the end of a session that was closed by it', async () => {
    const { connection, attempts, states } = makeConnection()
    const starting = connection.start()
    const attempt = await attempts.next()
    attempt.succeed()
    await starting
    connection.stop()
    attempt.gone(1000, 'client stopped')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states()).toEqual(['connecting', 'connected', 'stopped'])
  })

  it('ends a refused one', async () => {
    const { connection, attempts } = makeConnection()
    const failed = expect(connection.start()).rejects.toMatchObject({ code: 'unauthorized' })
    ;(await attempts.next()).fail(new AtpError('unauthorized', 'no'))
    await failed
    connection.stop()
    expect(connection.state).toBe('stopped')
  })

  it('is idempotent', async () => {
    const { connection, attempts, states } = makeConnection()
    const starting = connection.start()
    const session = (await attempts.next()).succeed()
    await starting
    connection.stop()
    connection.stop()
    expect(session.closedWith).toHaveLength(1)
    expect(states()).toEqual(['connecting', 'connected', 'stopped'])
  })

  it.each(['connecting', 'reconnecting', 'connected'] as const)('works from a listener told of %s', async (when) => {
    const { connection, attempts } = makeConnection({
      onState(state) {
        if (state === when) connection.stop()
      },
    })
    const outcome = connection.start().catch((error: unknown) => error)
    if (when !== 'connecting') {
      const attempt = await attempts.next()
      if (when === 'reconnecting') attempt.fail(down)
      else attempt.succeed()
    }
    await outcome
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.state).toBe('stopped')
    expect(connection.session).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(attempts.all.length).toBeLessThanOrEqual(1)
  })
})

describe('a connection that is about to stop', () => {
  it('keeps its session, and does not replace it when it is lost', async () => {
    const { connection, attempts, states } = makeConnection()
    const starting = connection.start()
    const attempt = await attempts.next()
    const session = attempt.succeed()
    await starting
    connection.stopping()
    expect(connection.session).toBe(session)
    attempt.gone(1006, '')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connection.session).toBeUndefined()
    connection.stop()
    expect(states()).toEqual(['connecting', 'connected', 'stopping', 'stopped'])
    expect(attempts.all).toHaveLength(1)
  })
})

describe('starting again after a stop', () => {
  it('opens a new session that the old one cannot touch', async () => {
    const { connection, attempts, states } = makeConnection()
    const first = connection.start()
    const old = await attempts.next()
    old.succeed()
    await first
    connection.stop()
    const second = connection.start()
    const attempt = await attempts.next()
    const session = attempt.succeed()
    await expect(second).resolves.toBe(session)
    old.gone(4401, 'late news of the old session')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connection.session).toBe(session)
    expect(states()).toEqual(['connecting', 'connected', 'stopped', 'connecting', 'connected'])
    connection.stop()
  })

  it('is not disturbed by an old attempt that ends late', async () => {
    const { connection, attempts } = makeConnection()
    const first = connection.start().catch(() => 'stopped')
    const old = await attempts.next()
    connection.stop()
    await expect(first).resolves.toBe('stopped')
    const second = connection.start()
    const attempt = await attempts.next()
    old.fail(new AtpError('unauthorized', 'late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.state).toBe('connecting')
    const session = attempt.succeed()
    await expect(second).resolves.toBe(session)
    connection.stop()
  })

  it('works from a listener told of the stop, which does not reject the new start', async () => {
    let again: Promise<unknown> | undefined
    const { connection, attempts } = makeConnection({
      onState(state) {
        if (state === 'stopped' && again === undefined) again = connection.start()
      },
    })
    const first = connection.start().catch((error: unknown) => error)
    await attempts.next()
    connection.stop()
    await expect(first).resolves.toEqual(stopped)
    const session = (await attempts.next()).succeed()
    await expect(again).resolves.toBe(session)
    connection.stop()
  })
})
