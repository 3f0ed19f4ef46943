import { beforeEach, describe, expect, it } from 'vitest'
import { AppSessionStore } from '../../src/apps/app-session-store.ts'

let now: number
let store: AppSessionStore

beforeEach(() => {
  now = 1_000
  store = new AppSessionStore(100, () => now)
})

const states = (...ids: string[]): unknown[] => ids.map((id) => store.get(id)?.state)

describe('a session that is kept', () => {
  it('has its state until it is deleted', () => {
    store.set('a', { n: 1 })
    store.set('b', null)
    store.set('a', { n: 2 })
    expect(states('a', 'b', 'c')).toEqual([{ n: 2 }, null, undefined])
    expect(store.get('b')).toBeDefined()
    store.delete('a')
    expect(store.get('a')).toBeUndefined()
  })

  it('expires when it was not used for so long, and not before', () => {
    store.set('a', 1)
    now += 60
    store.set('b', 2)
    now += 39
    expect(states('a', 'b')).toEqual([1, 2])
    now += 1
    expect(states('a', 'b')).toEqual([undefined, 2])
    now += 60
    expect(states('b')).toEqual([undefined])
  })

  it('is not used by being looked at', () => {
    store.set('a', 1)
    now += 99
    store.get('a')
    now += 1
    expect(store.get('a')).toBeUndefined()
  })

  it('goes for a new one when it was used least recently of 10,000', () => {
    for (let index = 0; index < 10_000; index += 1) store.set(`s${index}`, index)
    store.set('s0', 'again')
    store.set('new', 1)
    expect(states('s0', 's1', 's2', 'new')).toEqual(['again', undefined, 2, 1])
  })
})

describe('what happens to one session', () => {
  const never = new AbortController().signal
  /** Work that ends when the test says so, and what was begun so far. */
  const begun: string[] = []
  const work = (name: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const run = (): Promise<string> => {
      begun.push(name)
      return promise
    }
    return { run, end: () => resolve(name), fail: () => reject(new Error(name)) }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  beforeEach(() => {
    begun.length = 0
  })

  it('comes one after the other, whatever becomes of each; other sessions do not wait', async () => {
    const [a, b, c, other] = [work('a'), work('b'), work('c'), work('other')]
    const outcomes = [a, b, c].map((each) => store.inTurn('s', never, each.run))
    const beside = store.inTurn('t', never, other.run)
    await turn()
    expect(begun).toEqual(['a', 'other'])
    a.fail()
    await expect(outcomes[0]).rejects.toThrow('a')
    await turn()
    expect(begun).toEqual(['a', 'other', 'b'])
    for (const each of [b, c, other]) each.end()
    expect(await Promise.all([...outcomes.slice(1), beside])).toEqual(['b', 'c', 'other'])
  })

  it('does not wait for what was cancelled, and never hears how that ended', async () => {
    const abort = new AbortController()
    const [hung, next] = [work('hung'), work('next')]
    const first = store.inTurn('s', abort.signal, hung.run)
    const second = store.inTurn('s', never, next.run)
    next.end()
    await turn()
    expect(begun).toEqual(['hung'])
    abort.abort(new Error('the user left'))
    await expect(first).rejects.toThrow('the user left')
    expect(await second).toBe('next')
    hung.fail()
    await turn()
  })

  it('never begins when it was cancelled as it waited, and keeps its place free for the next', async () => {
    const abort = new AbortController()
    const [running, waiting, last] = [work('running'), work('waiting'), work('last')]
    const first = store.inTurn('s', never, running.run)
    const second = store.inTurn('s', abort.signal, waiting.run)
    const third = store.inTurn('s', never, last.run)
    abort.abort(new Error('no longer wanted'))
    // At once, although the one before still runs.
    await expect(second).rejects.toThrow('no longer wanted')
    await turn()
    expect(begun).toEqual(['running'])
    for (const each of [running, last]) each.end()
    expect(await Promise.all([first, third])).toEqual(['running', 'last'])
    expect(begun).toEqual(['running', 'last'])
  })

  it('never begins with a signal that aborted before', async () => {
    const { run } = work('a')
    await expect(store.inTurn('s', AbortSignal.abort(new Error('gone')), run)).rejects.toThrow('gone')
    expect(begun).toEqual([])
  })
})
