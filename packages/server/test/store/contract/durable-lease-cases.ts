import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import type { LeaseAck, LeaseRef, LeaseRequest, StoredCall } from '../../../src/store/durable-store.ts'
import { DurableRows, now } from './durable-rows.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of leases in every store. */
export function describeDurableLeases(given: StoreContext): void {
  let rows: DurableRows
  beforeEach(async () => {
    rows = await DurableRows.create(given)
  })
  const lease = (change: Partial<LeaseRequest> = {}) => given.store.durable.lease(rows.leaseRequest(change))
  const found = (callId: string) => given.second.durable.find(given.project.id, callId)
  const ack = (refs: LeaseRef[], leaseUntil = now + 60_000, at = now) =>
    given.store.durable.ack(
      refs.map((ref): LeaseAck => ({ ...ref, leaseUntil })),
      at,
    )

  describe('leases of stored calls', () => {
    it('are given for the oldest calls, as many as asked for, each with an id of its own', async () => {
      const calls = await rows.manyStored(5)
      const leased = await lease({ max: 3 })
      expect(leased.map(({ id }) => id)).toEqual(calls.slice(0, 3).map(({ id }) => id))
      expect(new Set(leased.map(({ leaseId }) => leaseId)).size).toBe(3)
      const [first] = leased
      expect(first).toEqual({
        ...calls[0],
        state: 'leased',
        deliveries: 1,
        leaseId: first?.leaseId,
        leaseUntil: now + 30_000,
      })
      expect(await found(first?.id ?? '')).toEqual(first)
      expect((await lease({ max: 3 })).map(({ id }) => id)).toEqual(calls.slice(3).map(({ id }) => id))
      expect(await lease()).toEqual([])
      expect(await lease({ max: 0 })).toEqual([])
    })

    it('are given for queued calls in the inbox of the toolkit only', async () => {
      await rows.stored({ toolkitId: newId() })
      await rows.stored({ delivery: 'socket' })
      await rows.stored({ state: 'dispatched' })
      await rows.stored({}, given.foreign)
      await given.store.durable.finish([rows.outcome(await rows.stored())])
      await rows.dead()
      expect(await lease()).toEqual([])
      expect(await lease({ projectId: given.foreign.id, toolkitId: newId() })).toEqual([])
    })

    it('are given for calls of the named tools only', async () => {
      const calls = [
        await rows.stored({ tool: 'a' }),
        await rows.stored({ tool: 'b' }),
        await rows.stored({ tool: 'c' }),
      ]
      expect(await lease({ tools: new Set() })).toEqual([])
      const leased = await lease({ tools: new Set(['c', 'a', 'a\0', '\ud800']) })
      expect(leased.map(({ id }) => id)).toEqual([calls[0]?.id, calls[2]?.id])
    })

    it('are not given for calls past their deadline', async () => {
      await rows.stored({ deadlineAt: now })
      const inTime = await rows.stored({ deadlineAt: now + 1 })
      expect((await lease()).map(({ id }) => id)).toEqual([inTime.id])
    })

    it('run at once where that is asked for', async () => {
      await rows.stored()
      expect(await lease({ ack: true })).toMatchObject([{ state: 'acked', deliveries: 1, leaseUntil: now + 30_000 }])
    })

    it('count each delivery of a call', async () => {
      const { callId } = await rows.leased()
      for (const deliveries of [2, 3]) {
        const call = (await found(callId)) as StoredCall
        await given.store.durable.release([{ projectId: call.projectId, callId, leaseId: call.leaseId ?? '' }])
        expect(await lease()).toMatchObject([{ id: callId, deliveries }])
      }
    })

    it('are given to one of several pollers at once', async () => {
      const calls = await rows.manyStored(100)
      const pollers = Array.from({ length: 10 }, (_, index) => (index % 2 ? given.store : given.second))
      const leased = await Promise.all(pollers.map((store) => store.durable.lease(rows.leaseRequest({ max: 15 }))))
      const ids = leased.flat().map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      const rest = await lease({ max: 100 })
      expect([...ids, ...rest.map(({ id }) => id)].sort()).toEqual(calls.map(({ id }) => id))
    })
  })

  describe('acknowledged leases', () => {
    it('let a call run, and are renewed by the next acknowledgement', async () => {
      const ref = await rows.leased()
      expect(await ack([ref], now + 60_000)).toEqual([true])
      expect(await found(ref.callId)).toMatchObject({ state: 'acked', leaseUntil: now + 60_000, leaseId: ref.leaseId })
      expect(await ack([ref], now + 90_000, now + 59_999)).toEqual([true])
      expect(await found(ref.callId)).toMatchObject({ state: 'acked', leaseUntil: now + 90_000, deliveries: 1 })
    })

    it('are refused where the lease is not the call’s, one by one', async () => {
      const [held, released, ended] = [await rows.leased(), await rows.leased(), await rows.leased()]
      await given.store.durable.release([released])
      const call = (await found(ended.callId)) as StoredCall
      await given.store.durable.finish([rows.outcome(call)])
      const strange = [
        { ...held, leaseId: newId() },
        { ...held, leaseId: 'a\0b' },
        { ...held, callId: newId() },
        { ...held, callId: '\ud800' },
        { ...held, projectId: given.foreign.id },
      ]
      expect(await ack([...strange, released, ended, held])).toEqual([...Array(7).fill(false), true])
      expect(await given.store.durable.ack([], now)).toEqual([])
    })

    it('are refused once the lease has ended', async () => {
      const ref = await rows.leased()
      expect(await ack([ref], now + 60_000, now + 30_000)).toEqual([false])
      expect(await found(ref.callId)).toMatchObject({ state: 'leased', leaseUntil: now + 30_000 })
      expect(await ack([ref], now + 60_000, now + 29_999)).toEqual([true])
    })

    it('each have a time of their own', async () => {
      const refs = [await rows.leased(), await rows.leased()]
      const acks = refs.map((ref, index) => ({ ...ref, leaseUntil: now + 40_000 + index }))
      expect(await given.store.durable.ack(acks, now)).toEqual([true, true])
      const untils = await Promise.all(refs.map(async ({ callId }) => (await found(callId))?.leaseUntil))
      expect(untils).toEqual([now + 40_000, now + 40_001])
    })
  })

  describe('released calls', () => {
    it('are queued again, and leased before younger ones', async () => {
      const [waiting, running] = [await rows.leased(), await rows.leased({ ack: true })]
      await rows.stored()
      expect(await given.store.durable.release([running, waiting])).toEqual([true, true])
      expect(await found(running.callId)).toMatchObject({ state: 'queued', leaseId: null, leaseUntil: null })
      const again = await lease({ max: 2 })
      expect(again.map(({ id }) => id)).toEqual([waiting.callId, running.callId])
      expect(again.map(({ leaseId }) => leaseId)).not.toContain(waiting.leaseId)
    })

    it('are left alone where the lease is not the call’s', async () => {
      const ref = await rows.leased()
      const strange = [
        { ...ref, leaseId: newId() },
        { ...ref, callId: newId() },
        { ...ref, projectId: given.foreign.id },
      ]
      expect(await given.store.durable.release(strange)).toEqual([false, false, false])
      expect(await found(ref.callId)).toMatchObject({ state: 'leased', leaseId: ref.leaseId })
      expect(await given.store.durable.release([ref])).toEqual([true])
      expect(await given.store.durable.release([ref])).toEqual([false])
      expect(await given.store.durable.release([])).toEqual([])
    })
  })

  it('takes changes of the same calls in any order, several at once', async () => {
    await rows.manyStored(60)
    const calls = await lease({ max: 60 })
    const refs = calls.map(({ id, projectId, leaseId }) => ({ projectId, callId: id, leaseId: leaseId ?? '' }))
    const outcomes = calls.map((call) => rows.outcome(call))
    const acks = refs.map((ref) => ({ ...ref, leaseUntil: now + 60_000 }))
    await Promise.all([
      given.store.durable.ack(acks, now),
      given.second.durable.ack(acks.toReversed(), now),
      given.store.durable.finish(outcomes.toReversed()),
      given.second.durable.release(refs),
      given.second.durable.finish(outcomes),
    ])
    expect(await given.store.durable.unfinished(100)).toEqual([])
  })
}
