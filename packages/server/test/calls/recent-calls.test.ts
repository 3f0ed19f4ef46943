import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FollowAnswer, type FollowRequest, RecentCalls } from '../../src/calls/recent-calls.ts'
import type { CallRecord } from '../../src/store/store.ts'

const record = (id: string, given: Partial<CallRecord> = {}): CallRecord => {
  return {
    id,
    projectId: 'project-1',
    keyId: 'key-1',
    toolkitId: 'toolkit-1',
    toolkitName: 'demo',
    tool: 'greet',
    delivery: 'socket',
    status: 'succeeded',
    errorCode: null,
    startedAt: 0,
    durationMs: 1,
    ...given,
  }
}

let recent: RecentCalls
beforeEach(() => {
  vi.useFakeTimers()
  recent = new RecentCalls({ instanceId: 'one', capacity: 10, maxWaiting: 2 })
})
afterEach(() => void vi.useRealTimers())

function follow(given: Partial<FollowRequest> = {}): Promise<FollowAnswer> {
  const signal = new AbortController().signal
  return recent.follow({ projectId: 'project-1', filter: {}, limit: 100, waitMs: 0, signal, ...given })
}
const ids = ({ calls }: FollowAnswer): string[] => calls.map(({ id }) => id)

describe('following', () => {
  it('begins with the next call, and tells each call once, in the order they ended', async () => {
    recent.add(record('before'))
    const start = await follow()
    expect(start).toEqual({ calls: [], cursor: 'one.1', gap: false })
    // Began before the one that ends first.
    recent.add(record('b'))
    recent.add(record('a'))
    const first = await follow({ cursor: start.cursor })
    expect(ids(first)).toEqual(['b', 'a'])
    expect(ids(await follow({ cursor: first.cursor }))).toEqual([])
  })

  it('tells no more than asked for at once, and goes on after those', async () => {
    const { cursor } = await follow()
    for (const id of ['a', 'b', 'c']) recent.add(record(id))
    const first = await follow({ cursor, limit: 2 })
    expect(ids(first)).toEqual(['a', 'b'])
    expect(ids(await follow({ cursor: first.cursor, limit: 2 }))).toEqual(['c'])
  })

  it('never tells of other projects', async () => {
    const { cursor } = await follow()
    recent.add(record('theirs', { projectId: 'project-2' }))
    recent.add(record('ours'))
    expect(ids(await follow({ cursor }))).toEqual(['ours'])
  })

  it.each([
    { toolkitId: 'toolkit-2' },
    { tool: 'echo' },
    { status: 'failed' },
    { delivery: 'inbox' },
    { errorCode: 'busy' },
  ] as const)('filters by %o', async (filter) => {
    const { cursor } = await follow()
    recent.add(record('plain'))
    recent.add(record('special', filter))
    expect(ids(await follow({ cursor, filter }))).toEqual(['special'])
  })

  it('says when calls ended that nobody can tell any more', async () => {
    const { cursor } = await follow()
    for (let at = 0; at < 12; at += 1) recent.add(record(`call-${at}`))
    const answer = await follow({ cursor, waitMs: 25_000 })
    expect(answer.gap).toBe(true)
    expect(ids(answer)).toEqual(Array.from({ length: 10 }, (_, at) => `call-${at + 2}`))
    expect((await follow({ cursor: answer.cursor })).gap).toBe(false)
  })

  it('says so too after a restart, and tells what this server has', async () => {
    recent.add(record('a'))
    const answer = await follow({ cursor: 'another.7', waitMs: 25_000 })
    expect(answer).toMatchObject({ gap: true, cursor: 'one.1' })
    expect(ids(answer)).toEqual(['a'])
  })

  it.each(['', '7', '.7', 'one.', 'one.-1', 'one.1.5x', 'one.9999999999999999'])(
    'refuses the cursor "%s"',
    async (cursor) => {
      await expect(follow({ cursor })).rejects.toMatchObject({ code: 'invalid_request' })
    },
  )
})

describe('waiting', () => {
  it('ends soon after a call ended, with those that ended meanwhile', async () => {
    const { cursor } = await follow()
    const waiting = follow({ cursor, waitMs: 25_000 })
    await vi.advanceTimersByTimeAsync(10_000)
    recent.add(record('a'))
    await vi.advanceTimersByTimeAsync(10)
    recent.add(record('b'))
    await vi.advanceTimersByTimeAsync(10)
    expect(ids(await waiting)).toEqual(['a', 'b'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on while only others end', async () => {
    const waiting = follow({ waitMs: 1_000, filter: { tool: 'echo' } })
    recent.add(record('a'))
    await vi.advanceTimersByTimeAsync(500)
    recent.add(record('b', { tool: 'echo' }))
    await vi.advanceTimersByTimeAsync(20)
    expect(ids(await waiting)).toEqual(['b'])
  })

  it('ends with nothing when its time is over', async () => {
    const waiting = follow({ waitMs: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await waiting).toEqual({ calls: [], cursor: 'one.0', gap: false })
  })

  it('ends when its caller is gone, and when the server stops', async () => {
    const gone = new AbortController()
    const first = follow({ waitMs: 25_000, signal: gone.signal })
    const second = follow({ waitMs: 25_000 })
    gone.abort()
    expect(ids(await first)).toEqual([])
    recent.close()
    expect(ids(await second)).toEqual([])
    expect(ids(await follow({ waitMs: 25_000 }))).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is refused when too many wait', async () => {
    const waiting = [follow({ waitMs: 1_000 }), follow({ waitMs: 1_000 })]
    await expect(follow({ waitMs: 1_000 })).rejects.toMatchObject({ code: 'busy' })
    recent.close()
    await Promise.all(waiting)
  })
})
