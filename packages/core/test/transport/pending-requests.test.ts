import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AtpError } from '../../src/errors/atp-error.ts'
import { PendingRequests } from '../../src/transport/pending-requests.ts'

const late = (): AtpError => new AtpError('deadline_exceeded', 'late')
const closed = (): AtpError => new AtpError('connection_closed', 'closed')

describe('PendingRequests', () => {
  let pending: PendingRequests<unknown>

  beforeEach(() => {
    vi.useFakeTimers()
    pending = new PendingRequests()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('gives an answer to the one who waits for it', async () => {
    const first = pending.wait('a', 1_000, late)
    const second = pending.wait('b', 1_000, late)
    expect(pending.resolve('b', 2)).toBe(true)
    expect(pending.reject('a', closed())).toBe(true)
    await expect(second).resolves.toBe(2)
    await expect(first).rejects.toMatchObject({ code: 'connection_closed' })
    expect(pending.size).toBe(0)
  })

  it.each([null, undefined, 0, '', false])('passes the answer %j on as it is', async (value) => {
    const answer = pending.wait('', 1_000, late)
    expect(pending.resolve('', value)).toBe(true)
    await expect(answer).resolves.toBe(value)
  })

  it('says that nobody waits for an unknown answer', () => {
    expect(pending.resolve('unknown', 1)).toBe(false)
    expect(pending.reject('unknown', closed())).toBe(false)
  })

  it('drops the second answer to one request', async () => {
    const answer = pending.wait('a', 1_000, late)
    expect(pending.resolve('a', 'first')).toBe(true)
    expect(pending.resolve('a', 'second')).toBe(false)
    expect(pending.reject('a', closed())).toBe(false)
    await expect(answer).resolves.toBe('first')
  })

  it('drops an answer that comes after the time is over', async () => {
    const answer = expect(pending.wait('a', 1_000, late)).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await vi.advanceTimersByTimeAsync(1_500)
    await answer
    expect(pending.resolve('a', 1)).toBe(false)
  })

  it('rejects within half a second after the time is over, and not before it', async () => {
    const failed = vi.fn()
    pending.wait('a', 1_200, late).catch(failed)
    await vi.advanceTimersByTimeAsync(1_199)
    expect(failed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(501)
    expect(failed).toHaveBeenCalledOnce()
  })

  it('lets a request expire alone', async () => {
    const short = expect(pending.wait('short', 600, late)).rejects.toMatchObject({ message: 'late' })
    const long = pending.wait('long', 60_000, late)
    await vi.advanceTimersByTimeAsync(1_000)
    await short
    expect(pending.size).toBe(1)
    pending.resolve('long', 'in time')
    await expect(long).resolves.toBe('in time')
  })

  it('does not mind that the clock of the machine is set', async () => {
    const failed = vi.fn()
    pending.wait('a', 10_000, late).catch(failed)
    vi.setSystemTime(Date.now() + 3_600_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(failed).not.toHaveBeenCalled()
  })

  it('rejects everybody at once, each with an error of its own', async () => {
    const answers = ['a', 'b', 'c'].map((id) => pending.wait(id, 1_000, late))
    pending.rejectAll(closed)
    const outcomes = await Promise.allSettled(answers)
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined))
    expect(new Set(reasons).size).toBe(3)
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'connection_closed' })
    expect(pending.size).toBe(0)
  })

  it('can be used again after everybody was rejected, also by one who asks anew at once', async () => {
    const again = pending.wait('a', 1_000, late).catch(() => pending.wait('a', 1_000, late))
    pending.rejectAll(closed)
    await vi.advanceTimersByTimeAsync(0)
    expect(pending.resolve('a', 'second try')).toBe(true)
    await expect(again).resolves.toBe('second try')
  })

  it('has one timer for all, and none once nobody waits', async () => {
    expect(vi.getTimerCount()).toBe(0)
    const answers = Array.from({ length: 100 }, (_, index) => pending.wait(`${index}`, 60_000, late))
    expect(vi.getTimerCount()).toBe(1)
    for (let index = 0; index < 100; index += 1) pending.resolve(`${index}`, index)
    await Promise.all(answers)
    await vi.advanceTimersByTimeAsync(500)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves no timer when everybody is rejected, nor when the last one expires', async () => {
    pending.wait('a', 1_000, late).catch(() => {})
    pending.rejectAll(closed)
    expect(vi.getTimerCount()).toBe(0)
    pending.wait('b', 100, late).catch(() => {})
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('settles every request exactly once, in whatever order answers, ends and time come', async () => {
    type Step = { type: 'resolve' | 'reject' | 'wait'; id: number } | { type: 'all' } | { type: 'time'; ms: number }
    const id = fc.nat({ max: 5 })
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ type: fc.constantFrom('resolve' as const, 'reject' as const, 'wait' as const), id }),
      fc.record({ type: fc.constant('all' as const) }),
      fc.record({ type: fc.constant('time' as const), ms: fc.nat({ max: 2_000 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const requests = new PendingRequests<number>()
        const waiting = new Set<number>()
        let asked = 0
        let settled = 0
        for (const each of steps) {
          if (each.type === 'wait' && !waiting.has(each.id)) {
            waiting.add(each.id)
            asked += 1
            const done = (): void => {
              settled += 1
            }
            requests
              .wait(`${each.id}`, 1_000, late)
              .finally(() => waiting.delete(each.id))
              .then(done, done)
          } else if (each.type === 'resolve') requests.resolve(`${each.id}`, each.id)
          else if (each.type === 'reject') requests.reject(`${each.id}`, closed())
          else if (each.type === 'all') requests.rejectAll(closed)
          await vi.advanceTimersByTimeAsync(each.type === 'time' ? each.ms : 0)
          expect(requests.size).toBe(waiting.size)
        }
        requests.rejectAll(closed)
        await vi.advanceTimersByTimeAsync(0)
        expect(settled).toBe(asked)
        expect(vi.getTimerCount()).toBe(0)
      }),
    )
  })
})
