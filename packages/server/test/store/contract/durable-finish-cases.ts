import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import type { StoredCall } from '../../../src/store/durable-store.ts'
import { DurableRows, now } from './durable-rows.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of outcomes, dead letters and forgetting in every store. */
export function describeDurableOutcomes(given: StoreContext): void {
  let rows: DurableRows
  beforeEach(async () => {
    rows = await DurableRows.create(given)
  })
  const found = (callId: string) => given.second.durable.find(given.project.id, callId)
  const outcomeOf = (callId: string) => given.second.durable.outcome(given.project.id, callId)
  const day = 86_400_000

  describe('outcomes of stored calls', () => {
    it('are kept as they were given, and the request goes', async () => {
      const call = await rows.stored()
      const outcome = rows.outcome(call, { status: 'failed', errorCode: 'tool_error', outcome: 'x'.repeat(100_000) })
      expect(await given.store.durable.finish([outcome])).toEqual(['ended'])
      expect(await outcomeOf(call.id)).toEqual(outcome)
      expect(await found(call.id)).toEqual({ ...call, state: 'ended', request: '' })
      expect(await given.store.durable.finish([])).toEqual([])
    })

    it('are the first one of each call, also within one list', async () => {
      const call = await rows.stored()
      const first = rows.outcome(call)
      const second = rows.outcome(call, { status: 'timed_out', errorCode: 'deadline_exceeded' })
      expect(await given.store.durable.finish([first, second])).toEqual(['ended', 'late'])
      expect(await given.second.durable.finish([second])).toEqual(['late'])
      expect(await outcomeOf(call.id)).toEqual(first)
    })

    it('are one, of many at once', async () => {
      const calls = await rows.manyStored(20)
      const endings = Array.from({ length: 8 }, (_, index) => ({
        store: index % 2 ? given.store : given.second,
        outcomes: calls.map((call) => rows.outcome(call, { outcome: `${index}` })),
      }))
      const answers = await Promise.all(endings.map(({ store, outcomes }) => store.durable.finish(outcomes)))
      for (const [place, call] of calls.entries()) {
        const winners = answers
          .map((of, index) => ({ answer: of[place], index }))
          .filter((one) => one.answer === 'ended')
        expect(winners).toHaveLength(1)
        expect((await outcomeOf(call.id))?.outcome).toBe(`${winners[0]?.index}`)
      }
      expect(new Set(answers.flat())).toEqual(new Set(['ended', 'late']))
    })

    it('with a lease count only while it is the call’s', async () => {
      const ref = await rows.leased()
      const call = (await found(ref.callId)) as StoredCall
      expect(await given.store.durable.finish([rows.outcome(call, { leaseId: newId() })])).toEqual(['stale'])
      await given.store.durable.release([ref])
      expect(await given.store.durable.finish([rows.outcome(call, { leaseId: ref.leaseId })])).toEqual(['stale'])
      expect(await outcomeOf(ref.callId)).toBeUndefined()
      const [again] = await given.store.durable.lease(rows.leaseRequest())
      const leaseId = again?.leaseId ?? ''
      expect(await given.store.durable.finish([rows.outcome(call, { leaseId })])).toEqual(['ended'])
      expect(await given.store.durable.finish([rows.outcome(call, { leaseId: ref.leaseId })])).toEqual(['late'])
      expect(await found(ref.callId)).toMatchObject({ state: 'ended', leaseId: null, leaseUntil: null })
    })

    it('without a lease count whoever has the call', async () => {
      const { callId } = await rows.leased({ ack: true })
      const call = (await found(callId)) as StoredCall
      expect(await given.store.durable.finish([rows.outcome(call)])).toEqual(['ended'])
    })

    it('of calls that are not there, or of another project, are missing', async () => {
      const theirs = await rows.stored({}, given.foreign)
      const ours = await rows.stored()
      const outcomes = [
        rows.outcome(rows.call()),
        rows.outcome({ ...theirs, projectId: given.project.id }),
        rows.outcome({ ...ours, id: 'a\0b' }),
        rows.outcome(ours),
      ]
      expect(await given.store.durable.finish(outcomes)).toEqual(['missing', 'missing', 'missing', 'ended'])
      expect(await given.store.durable.find(given.foreign.id, theirs.id)).toEqual(theirs)
      expect(await given.store.durable.outcome(given.foreign.id, ours.id)).toBeUndefined()
    })

    it('are all written or none, and only under the data key of their call', async () => {
      const [first, second] = [await rows.stored(), await rows.stored()]
      const dataKeyId = newId()
      const list = [rows.outcome(first), rows.outcome({ ...second, dataKeyId })]
      await expect(given.store.durable.finish(list)).rejects.toThrow('another data key')
      expect(await found(first.id)).toEqual(first)
      expect(await outcomeOf(first.id)).toBeUndefined()
    })

    it('of calls that did not run free their idempotency key', async () => {
      const [ran, refused] = [rows.claiming({ keyHash: 'ran' }), rows.claiming({ keyHash: 'refused' })]
      await given.store.durable.insert([ran, refused])
      await given.store.durable.finish([rows.outcome(ran.call), rows.outcome(refused.call, { forgetClaim: true })])
      const again = [rows.claiming({ keyHash: 'ran' }), rows.claiming({ keyHash: 'refused' })]
      expect(await given.store.durable.insert(again)).toMatchObject([
        { inserted: false, existing: { callId: ran.call.id } },
        { inserted: true },
      ])
    })
  })

  describe('dead letters', () => {
    it('keep their request, and are listed newest first', async () => {
      const letters = [await rows.dead(), await rows.dead(), await rows.dead()]
      await rows.dead({}, given.foreign)
      await rows.stored()
      expect(await given.store.durable.dead(given.project.id, 10)).toEqual(letters.toReversed())
      expect(await given.store.durable.dead(given.project.id, 1, letters[2]?.id)).toEqual([letters[1]])
      expect(await outcomeOf(letters[0]?.id ?? '')).toMatchObject({ status: 'delivery_failed' })
      expect(await given.store.durable.finish([rows.outcome(letters[0] as StoredCall)])).toEqual(['late'])
    })

    it('are retried once', async () => {
      const { id } = await rows.dead()
      const theirs = await rows.dead({}, given.foreign)
      const waiting = await rows.stored()
      const mark = (callId: string, retriedAs: string) =>
        given.store.durable.markRetried(given.project.id, callId, retriedAs)
      for (const other of [theirs.id, waiting.id, newId()]) expect(await mark(other, 'new')).toBe(false)
      expect((await Promise.all([mark(id, 'one'), mark(id, 'two')])).sort()).toEqual([false, true])
      expect((await found(id))?.retriedAs).toMatch(/^(one|two)$/)
    })

    it('are deleted alone: their outcome stays', async () => {
      const { id } = await rows.dead()
      const theirs = await rows.dead({}, given.foreign)
      const waiting = await rows.stored()
      for (const other of [theirs.id, waiting.id, newId()]) {
        expect(await given.store.durable.dropDead(given.project.id, other)).toBe(false)
      }
      expect(await given.store.durable.dropDead(given.project.id, id)).toBe(true)
      expect(await given.store.durable.dropDead(given.project.id, id)).toBe(false)
      expect(await found(id)).toBeUndefined()
      expect(await outcomeOf(id)).toMatchObject({ status: 'delivery_failed' })
    })
  })

  describe('what is over', () => {
    it('is forgotten: outcomes with their calls, and claims', async () => {
      const [over, kept] = [
        rows.claiming({ keyHash: 'over', expiresAt: now + day }),
        rows.claiming({ keyHash: 'kept', expiresAt: now + day + 1 }),
      ]
      const waiting = await rows.stored({ deadlineAt: now - day })
      await given.store.durable.insert([over, kept])
      await given.store.durable.finish([
        rows.outcome(over.call, { expiresAt: now + day }),
        rows.outcome(kept.call, { expiresAt: now + day + 1 }),
      ])
      expect(await given.store.durable.purge(now + day - 1, 0, 100)).toBe(0)
      expect(await given.store.durable.purge(now + day, 0, 100)).toBe(3)
      expect([await found(over.call.id), await outcomeOf(over.call.id)]).toEqual([undefined, undefined])
      expect([await found(kept.call.id), await outcomeOf(kept.call.id)]).toMatchObject([{ state: 'ended' }, {}])
      expect(await found(waiting.id)).toEqual(waiting)
      const again = [rows.claiming({ keyHash: 'over' }), rows.claiming({ keyHash: 'kept' })]
      expect(await given.store.durable.insert(again)).toMatchObject([{ inserted: true }, { inserted: false }])
      expect(await given.store.durable.finish([rows.outcome(over.call)])).toEqual(['missing'])
    })

    it('includes dead letters of calls created before a time, not those whose outcome is over', async () => {
      const [old, young] = [await rows.dead({ createdAt: now - 1 }), await rows.dead()]
      expect(await given.store.durable.purge(now + 2 * day, now, 100)).toBe(3)
      expect(await found(old.id)).toBeUndefined()
      expect(await found(young.id)).toEqual(young)
      expect(await outcomeOf(young.id)).toBeUndefined()
    })

    it('is deleted a bounded number at once', async () => {
      const calls = await rows.manyStored(5)
      await given.store.durable.finish(calls.map((call) => rows.outcome(call, { expiresAt: now })))
      expect(await given.store.durable.purge(now, 0, 2)).toBe(4)
      expect(await given.store.durable.purge(now, 0, 2)).toBe(4)
      expect(await given.store.durable.purge(now, 0, 2)).toBe(2)
      expect(await given.store.durable.purge(now, 0, 2)).toBe(0)
    })

    it('is deleted once by two at once', async () => {
      const calls = await rows.manyStored(50)
      await given.store.durable.finish(calls.map((call) => rows.outcome(call, { expiresAt: now })))
      const deleted = await Promise.all(
        [given.store, given.second, given.store].map((store) => store.durable.purge(now, 0, 100)),
      )
      const rest = await given.store.durable.purge(now, 0, 100)
      expect(deleted.reduce((sum, count) => sum + count, rest)).toBe(100)
    })
  })
}
