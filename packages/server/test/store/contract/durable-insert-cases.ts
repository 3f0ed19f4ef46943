import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import { DurableRows, now } from './durable-rows.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of storing calls and of looking them up, in every store. */
export function describeDurableInserts(given: StoreContext): void {
  let rows: DurableRows
  beforeEach(async () => {
    rows = await DurableRows.create(given)
  })

  describe('stored calls', () => {
    it('are kept as they were given', async () => {
      const calls = [
        rows.call({ idempotent: true, request: `v1.${'x'.repeat(100_000)}`, timeoutMs: 600_000 }),
        rows.call({ delivery: 'socket', state: 'dispatched', retriedAs: newId(), deliveries: 4, leaseId: 'a' }),
        rows.call({ leaseUntil: now + 1, tool: 'O\'Hara "quoted" \\ 日本 \u2028' }),
      ]
      expect(await given.store.durable.insert(calls.map((call) => ({ call })))).toEqual(
        calls.map(() => ({ inserted: true })),
      )
      for (const call of calls) expect(await given.second.durable.find(given.project.id, call.id)).toEqual(call)
    })

    it('are all written or none', async () => {
      const known = await rows.stored()
      const other = rows.call()
      await expect(given.store.durable.insert([{ call: other }, { call: known }])).rejects.toThrow()
      expect(await given.store.durable.find(given.project.id, other.id)).toBeUndefined()
    })

    it('may be none or hundreds at once', async () => {
      expect(await given.store.durable.insert([])).toEqual([])
      const calls = await rows.manyStored(600)
      expect(await given.store.durable.unfinished(1_000)).toEqual(calls)
    })

    it('are refused when their data key is retired or not there, beside others that are stored', async () => {
      const before = rows.call()
      await given.store.dataKeys.retireAll(now)
      await rows.useNewDataKey(given.project.id)
      const after = rows.call()
      const foreignKey = rows.call({ dataKeyId: rows.call({}, given.foreign).dataKeyId })
      const unknownKey = rows.call({ dataKeyId: newId() })
      const claiming = rows.claiming({}, { dataKeyId: before.dataKeyId })
      const inserting = [{ call: before }, { call: after }, { call: foreignKey }, { call: unknownKey }, claiming]
      const refused = { inserted: false, retired: true }
      expect(await given.store.durable.insert(inserting)).toEqual([
        refused,
        { inserted: true },
        refused,
        refused,
        refused,
      ])
      expect(await given.store.durable.unfinished(10)).toEqual([after])
      // A claim that came with a refused call is still free.
      expect(await given.store.durable.insert([rows.claiming()])).toEqual([{ inserted: true }])
    })

    it('of another project are like calls that are not there', async () => {
      const theirs = await rows.stored({}, given.foreign)
      expect(await given.store.durable.find(given.project.id, theirs.id)).toBeUndefined()
      expect(await given.store.durable.find(given.foreign.id, theirs.id)).toEqual(theirs)
    })

    it('without an outcome are listed by id, of all projects, page by page', async () => {
      const first = await rows.manyStored(3)
      const theirs = await rows.stored({}, given.foreign)
      const last = await rows.stored({ delivery: 'endpoint', state: 'dispatched' })
      const ended = first[1]
      if (ended) await given.store.durable.finish([rows.outcome(ended)])
      await rows.dead()
      const expected = [first[0], first[2], theirs, last]
      expect(await given.store.durable.unfinished(10)).toEqual(expected)
      expect(await given.store.durable.unfinished(2)).toEqual(expected.slice(0, 2))
      expect(await given.store.durable.unfinished(2, expected[1]?.id)).toEqual(expected.slice(2))
      expect(await given.store.durable.unfinished(2, last.id)).toEqual([])
    })

    it('are counted for each inbox, those that wait and those that run', async () => {
      const other = newId()
      const foreign = newId()
      await rows.leased()
      await rows.leased({ ack: true })
      await rows.manyStored(2)
      await rows.stored({ toolkitId: other })
      await rows.stored({ toolkitId: other, delivery: 'socket', state: 'dispatched' })
      await rows.stored({ toolkitId: foreign }, given.foreign)
      await given.store.durable.finish([rows.outcome(await rows.stored({ toolkitId: other }))])
      await rows.dead({ toolkitId: other })
      const depths = await given.second.durable.inboxDepths()
      expect(depths).toEqual(
        new Map([
          [rows.toolkitId, 4],
          [other, 1],
          [foreign, 1],
        ]),
      )
    })
  })

  describe('idempotency claims', () => {
    it('give the second of two calls the first one, with its fingerprint', async () => {
      const first = rows.claiming({ fingerprint: 'one' })
      const second = rows.claiming({ fingerprint: 'two' })
      expect(await given.store.durable.insert([first])).toEqual([{ inserted: true }])
      const existing = { callId: first.call.id, fingerprint: 'one' }
      expect(await given.second.durable.insert([second])).toEqual([{ inserted: false, existing }])
      expect(await given.store.durable.find(given.project.id, second.call.id)).toBeUndefined()
    })

    it('let the first of one list stay, and answer all in their order', async () => {
      const held = rows.claiming({ keyHash: 'held' })
      await given.store.durable.insert([held])
      const list = [
        rows.claiming({ keyHash: 'new', fingerprint: 'one' }),
        rows.claiming({ keyHash: 'held' }),
        { call: rows.call() },
        rows.claiming({ keyHash: 'new', fingerprint: 'two' }),
        rows.claiming({ keyHash: 'held' }),
      ]
      const ofHeld = { inserted: false, existing: { callId: held.call.id, fingerprint: 'print' } }
      const ofNew = { inserted: false, existing: { callId: list[0]?.call.id, fingerprint: 'one' } }
      expect(await given.store.durable.insert(list)).toEqual([
        { inserted: true },
        ofHeld,
        { inserted: true },
        ofNew,
        ofHeld,
      ])
      expect(await given.store.durable.unfinished(10)).toEqual([held.call, list[0]?.call, list[2]?.call])
    })

    it('are given to one of many callers at once', async () => {
      const rivals = Array.from({ length: 16 }, (_, index) => rows.claiming({ fingerprint: `print ${index}` }))
      const answers = await Promise.all(
        rivals.map(async (one, index) => {
          const [answer] = await (index % 2 ? given.store : given.second).durable.insert([one])
          return answer
        }),
      )
      const winner = answers.findIndex((answer) => answer?.inserted)
      const existing = { callId: rivals[winner]?.call.id, fingerprint: `print ${winner}` }
      const lost = answers.filter((_, index) => index !== winner)
      expect(lost).toEqual(lost.map(() => ({ inserted: false, existing })))
      expect(await given.store.durable.unfinished(20)).toEqual([rivals[winner]?.call])
    })

    it('are taken by lists that name the same ones in another order, both at once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const hashes = Array.from({ length: 20 }, (_, index) => `${round} ${index}`)
        const listOf = (names: string[]) => names.map((keyHash) => rows.claiming({ keyHash }))
        const answers = await Promise.all([
          given.store.durable.insert(listOf(hashes)),
          given.second.durable.insert(listOf(hashes.toReversed())),
        ])
        expect(answers.flat().filter(({ inserted }) => inserted)).toHaveLength(20)
      }
    })

    it('are found while they hold, with the call that has them', async () => {
      const { call, claim } = rows.claiming()
      const find = (at: number) => given.store.durable.claimHolder(call, claim, at)
      expect(await find(now)).toBeUndefined()
      await given.store.durable.insert([{ call, claim }])
      expect(await find(now)).toEqual({ callId: call.id, fingerprint: claim.fingerprint })
      expect(await find(claim.expiresAt)).toBeUndefined()
      const others = [
        [{ ...call, keyId: 'another' }, claim],
        [{ ...call, projectId: given.foreign.id }, claim],
        [call, { ...claim, externalUserId: 'somebody else' }],
        [call, { ...claim, keyHash: 'another' }],
      ] as const
      for (const [of, other] of others) {
        expect(await given.store.durable.claimHolder(of, other, now)).toBeUndefined()
      }
    })

    it('count as absent once they expired', async () => {
      const first = rows.claiming({ expiresAt: now + 1_000 })
      await given.store.durable.insert([first])
      const inTime = rows.claiming({}, { createdAt: now + 999 })
      expect(await given.store.durable.insert([inTime])).toMatchObject([{ inserted: false }])
      const later = rows.claiming({ fingerprint: 'later' }, { createdAt: now + 1_000 })
      const rival = rows.claiming({}, { createdAt: now + 1_000 })
      const existing = { callId: later.call.id, fingerprint: 'later' }
      expect(await given.store.durable.insert([later, rival])).toEqual([
        { inserted: true },
        { inserted: false, existing },
      ])
    })

    it('are apart for each project, key and user, whatever the user is called', async () => {
      const keyHash = 'same'
      const list = [
        rows.claiming({ keyHash }),
        rows.claiming({ keyHash }, {}, given.foreign),
        rows.claiming({ keyHash }, { keyId: newId() }),
        ...['user', 'User', 'user ', 'us\0er', 'us\ufffder', '\ud800', '\udfff', '"', '\\"'].map((externalUserId) =>
          rows.claiming({ keyHash, externalUserId }),
        ),
      ]
      expect(await given.store.durable.insert(list)).toEqual(list.map(() => ({ inserted: true })))
      const again = list.map(({ call, claim }) => ({ call: { ...call, id: newId() }, claim }))
      expect(await given.store.durable.insert(again)).toEqual(
        list.map(({ call }) => ({ inserted: false, existing: { callId: call.id, fingerprint: 'print' } })),
      )
    })
  })
}
