import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RegistrationTurns } from '../../../src/compat/registration-turns.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('registrations of one key', () => {
  it('are done one after the other, in their order, whatever becomes of those before', async () => {
    const turns = new RegistrationTurns()
    const done: string[] = []
    const first = Promise.withResolvers<void>()
    const work = (name: string, until?: Promise<void>) => async () => {
      done.push(`${name} begins`)
      await until
      done.push(`${name} ends`)
      return name
    }
    const a = turns.take('k', work('a', first.promise))
    const b = turns.take('k', () => Promise.reject(new Error('b fails')))
    const c = turns.take('k', work('c'))
    const other = turns.take('other', work('other'))
    expect(await other).toBe('other')
    expect(done).toEqual(['a begins', 'other begins', 'other ends'])
    first.resolve()
    expect(await a).toBe('a')
    await expect(b).rejects.toThrow('b fails')
    expect(await c).toBe('c')
    expect(done.slice(3)).toEqual(['a ends', 'c begins', 'c ends'])
  })

  it('above the rate wait for the next ten seconds', async () => {
    const turns = new RegistrationTurns(2)
    const done: number[] = []
    const all = [1, 2, 3].map((at) => turns.take('k', async () => void done.push(at)))
    await vi.advanceTimersByTimeAsync(9_999)
    expect(done).toEqual([1, 2])
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all(all)
    expect(done).toEqual([1, 2, 3])
  })

  it('that do not wait for answers are refused, and taken again once there is room', async () => {
    const turns = new RegistrationTurns()
    const gate = Promise.withResolvers<void>()
    const taken = Array.from({ length: 33 }, () => turns.take('k', () => gate.promise))
    await expect(turns.take('k', () => gate.promise)).rejects.toMatchObject({ code: 'rate_limited' })
    gate.resolve()
    await Promise.all(taken)
    expect(await turns.take('k', async () => 'again')).toBe('again')
  })
})
