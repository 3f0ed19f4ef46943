import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectionOptions } from '../../src/clients/connection.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'
import { makeConnection } from './fake-sessions.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const down = (code: ErrorCode = 'connection_failed', details?: Record<string, unknown>): AtpError =>
  new AtpError(code, 'down', details ? { details } : {})

/** A connection whose first session is open. */
async function connected(options: Partial<ConnectionOptions> = {}) {
  const made = makeConnection(options)
  const starting = made.connection.start()
  const attempt = await made.attempts.next()
  const session = attempt.succeed()
  await starting
  return { ...made, attempt, session }
}

describe('a connection that starts', () => {
  it('is idle, connecting, connected; and gives its session', async () => {
    const { connection, attempts, states } = makeConnection()
    expect(connection.state).toBe('idle')
    expect(connection.session).toBeUndefined()
    const starting = connection.start()
    expect(connection.state).toBe('connecting')
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
    expect(connection.session).toBe(session)
    expect(states()).toEqual(['connecting', 'connected'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is connected already when its session is given', async () => {
    const { connection, attempts } = makeConnection()
    const state = connection.start().then(() => connection.state)
    ;(await attempts.next()).succeed()
    await expect(state).resolves.toBe('connected')
  })

  it('makes one attempt for all who start it', async () => {
    const { connection, attempts } = makeConnection()
    const starting = [connection.start(), connection.start(), connection.start()]
    const session = (await attempts.next()).succeed()
    await expect(Promise.all(starting)).resolves.toEqual([session, session, session])
    await expect(connection.start()).resolves.toBe(session)
    expect(attempts.all).toHaveLength(1)
  })

  it('lets one who waits give up alone', async () => {
    const { connection, attempts } = makeConnection()
    const patience = new AbortController()
    const impatient = connection.start(patience.signal)
    const patient = connection.start()
    patience.abort(down())
    await expect(impatient).rejects.toMatchObject({ message: 'down' })
    const session = (await attempts.next()).succeed()
    await expect(patient).resolves.toBe(session)
  })
})

describe('a connection that fails', () => {
  it('tries again with full jitter: random times min(30 s, 0.5 s * 2^attempt)', async () => {
    const { connection, attempts, changes } = makeConnection()
    const starting = connection.start()
    const delays = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
    for (const delay of delays) {
      ;(await attempts.next()).fail(down())
      await vi.advanceTimersByTimeAsync(0)
      const before = attempts.all.length
      await vi.advanceTimersByTimeAsync(delay - 1)
      expect(attempts.all).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(attempts.all).toHaveLength(before + 1)
    }
    expect(changes.slice(1)).toEqual(
      delays.map((retryInMs) => ({ state: 'reconnecting', code: 'connection_failed', retryInMs })),
    )
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
    expect(connection.state).toBe('connected')
  })

  it.each([
    [0, 0],
    [0.999, 499.5],
  ])('takes a random share of %d', async (random, retryInMs) => {
    const { connection, attempts, changes } = makeConnection({ backoff: { random: () => random } })
    void connection.start()
    ;(await attempts.next()).fail(down())
    await vi.advanceTimersByTimeAsync(0)
    expect(changes[1]).toEqual({ state: 'reconnecting', code: 'connection_failed', retryInMs })
  })

  it.each<ErrorCode>([
    'connection_failed',
    'connection_closed',
    'rate_limited',
    'internal_error',
    'server_shutting_down',
    'protocol_error',
    'invalid_request',
    'not_found',
  ])('tries for ever after %s', async (code) => {
    const { connection, attempts } = makeConnection()
    void connection.start()
    for (let attempt = 0; attempt < 50; attempt += 1) {
      ;(await attempts.next()).fail(down(code))
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(connection.state).toBe('reconnecting')
    expect(attempts.all).toHaveLength(51)
  })

  it('takes anything that is thrown for a failed connection', async () => {
    const { connection, attempts, changes } = makeConnection()
    void connection.start()
    ;(await attempts.next()).fail(new TypeError('a defect'))
    await vi.advanceTimersByTimeAsync(0)
    expect(changes[1]).toMatchObject({ state: 'reconnecting', code: 'connection_failed' })
  })

  it.each<ErrorCode>(['unauthorized', 'forbidden', 'toolkit_name_conflict', 'registration_rejected'])(
    'ends at once with %s, which trying again cannot mend',
    async (code) => {
      const { connection, attempts, states } = makeConnection()
      const failed = expect(connection.start()).rejects.toMatchObject({ code })
      ;(await attempts.next()).fail(down(code))
      await failed
      expect(connection.state).toBe('refused')
      expect(vi.getTimerCount()).toBe(0)
      await vi.advanceTimersByTimeAsync(120_000)
      expect(states()).toEqual(['connecting', 'refused'])
    },
  )

  it('can be started again after it was refused', async () => {
    const { connection, attempts } = makeConnection()
    const failed = expect(connection.start()).rejects.toMatchObject({ code: 'unauthorized' })
    ;(await attempts.next()).fail(down('unauthorized'))
    await failed
    const starting = connection.start()
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
  })

  it('does not fail one who starts it anew from within the refusal', async () => {
    let again: Promise<unknown> | undefined
    const { connection, attempts } = makeConnection({
      onState(state) {
        if (state === 'refused') again = connection.start()
      },
    })
    const failed = expect(connection.start()).rejects.toMatchObject({ code: 'unauthorized' })
    ;(await attempts.next()).fail(down('unauthorized'))
    await failed
    const session = (await attempts.next()).succeed()
    await expect(again).resolves.toBe(session)
  })
})

describe('what a server asks for with retryAfterMs', () => {
  it.each([
    { told: 5_000, delay: 5_250, what: 'is added to the delay' },
    { told: 1e12, delay: 600_250, what: 'is capped at ten minutes, and never becomes a timer that ends at once' },
    { told: -60_000, delay: 250, what: 'is ignored when it is negative' },
    { told: 'soon', delay: 250, what: 'is ignored when it is no number' },
  ])('$what', async ({ told, delay }) => {
    const { connection, attempts, changes } = makeConnection()
    void connection.start()
    ;(await attempts.next()).fail(down('rate_limited', { retryAfterMs: told }))
    await vi.advanceTimersByTimeAsync(delay - 1)
    expect(attempts.all).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(attempts.all).toHaveLength(2)
    expect(changes[1]).toMatchObject({ retryInMs: delay })
  })
})

describe('a connection that loses its session', () => {
  it('connects again, and has no session at once', async () => {
    const { connection, attempts, attempt, changes } = await connected()
    attempt.gone(1006, '')
    expect(connection.session).toBeUndefined()
    const starting = connection.start()
    await vi.advanceTimersByTimeAsync(250)
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
    expect(changes).toEqual([
      { state: 'connecting' },
      { state: 'connected' },
      { state: 'reconnecting', code: 'connection_closed', retryInMs: 250 },
      { state: 'connected' },
    ])
  })

  it('tells the code and reason of the close', async () => {
    const onState = vi.fn<ConnectionOptions['onState']>()
    const { attempt } = await connected({ onState })
    attempt.gone(1012, 'the server restarts')
    await vi.advanceTimersByTimeAsync(0)
    const error = onState.mock.lastCall?.[1].error
    expect(error?.message).toBe('The server closed the connection: the server restarts (close code 1012)')
  })

  it.each([1000, 1001, 1003, 1005, 1006, 1009, 1011, 1012, 1013, 4400])('connects again after %i', async (code) => {
    const { connection, attempts, attempt } = await connected()
    attempt.gone(code, '')
    await vi.advanceTimersByTimeAsync(250)
    expect(connection.state).toBe('reconnecting')
    expect(attempts.all).toHaveLength(2)
  })

  it.each([
    [4401, 'unauthorized'],
    [4403, 'forbidden'],
    [4409, 'toolkit_name_conflict'],
  ])('ends after %i as %s', async (closeCode, code) => {
    const { connection, attempts, attempt, changes } = await connected()
    attempt.gone(closeCode, 'the key was revoked')
    await vi.advanceTimersByTimeAsync(120_000)
    expect(connection.state).toBe('refused')
    expect(changes.at(-1)).toMatchObject({ state: 'refused', code })
    expect(attempts.all).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on counting attempts when the session held for less than 60 s, and starts anew when it held', async () => {
    const { connection, attempts, changes, attempt } = await connected()
    let current = attempt
    for (const heldMs of [1_000, 59_999, 59_999, 60_000, 59_999]) {
      await vi.advanceTimersByTimeAsync(heldMs)
      current.gone(1006, '')
      await vi.advanceTimersByTimeAsync(2_000)
      current = await attempts.next()
      current.succeed()
      await vi.advanceTimersByTimeAsync(0)
      expect(connection.state).toBe('connected')
    }
    const delays = changes.filter(({ state }) => state === 'reconnecting').map(({ retryInMs }) => retryInMs)
    expect(delays).toEqual([250, 500, 1_000, 250, 500])
  })

  it('never counts as connected when it ended in the turn that opened it', async () => {
    const { connection, attempts, states } = makeConnection()
    const starting = connection.start()
    const attempt = await attempts.next()
    attempt.succeed()
    attempt.gone(1006, '')
    await vi.advanceTimersByTimeAsync(250)
    expect(states()).toEqual(['connecting', 'reconnecting'])
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
  })

  it('does not mind being told of an old session that ends late, or twice', async () => {
    const { connection, attempts, attempt, states } = await connected()
    attempt.gone(1006, '')
    await vi.advanceTimersByTimeAsync(250)
    const second = (await attempts.next()).succeed()
    await vi.advanceTimersByTimeAsync(0)
    attempt.gone(4401, 'late')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connection.session).toBe(second)
    expect(states()).toEqual(['connecting', 'connected', 'reconnecting', 'connected'])
  })
})

describe('a connection that is to fail fast', () => {
  it('is idle after its first failure, and tries at once when it is started again', async () => {
    const { connection, attempts, changes } = makeConnection({ failFast: true })
    const failed = expect(connection.start()).rejects.toMatchObject({ code: 'connection_failed' })
    ;(await attempts.next()).fail(down())
    await failed
    expect(connection.state).toBe('idle')
    expect(vi.getTimerCount()).toBe(0)
    const starting = connection.start()
    const session = (await attempts.next()).succeed()
    await expect(starting).resolves.toBe(session)
    expect(changes.map(({ state }) => state)).toEqual(['connecting', 'idle', 'connecting', 'connected'])
  })

  it('is refused by a refused key', async () => {
    const { connection, attempts } = makeConnection({ failFast: true })
    const failed = expect(connection.start()).rejects.toMatchObject({ code: 'forbidden' })
    ;(await attempts.next()).fail(down('forbidden'))
    await failed
    expect(connection.state).toBe('refused')
  })

  it('tries for ever once it had a session', async () => {
    const { connection, attempts, attempt } = await connected({ failFast: true })
    attempt.gone(1006, '')
    for (let turn = 0; turn < 5; turn += 1) {
      await vi.advanceTimersByTimeAsync(30_000)
      ;(await attempts.next()).fail(down())
    }
    await vi.advanceTimersByTimeAsync(30_000)
    expect(connection.state).toBe('reconnecting')
  })
})
