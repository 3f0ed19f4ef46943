import { silentLogger } from '@atp/core'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { DurableStore } from '../../src/store/durable-store.ts'
import { createGroupedDurableStore, type DurableWriter } from '../../src/store/grouped-durable-store.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { DurableRows, now } from './contract/durable-rows.ts'
import type { StoreContext } from './contract/store-context.ts'
import { temporaryFolder } from './temporary-folder.ts'

let given: StoreContext
let rows: DurableRows
let durable: DurableStore
let writer: DurableWriter

beforeEach(async () => {
  const store = await openSqliteStore({ folder: await temporaryFolder(), serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  const project = await store.projects.ensure('ours', 1)
  given = { store, second: store, project, foreign: await store.projects.ensure('theirs', 1) }
  rows = await DurableRows.create(given)
  durable = store.durable
  vi.spyOn(durable, 'write')
  writer = createGroupedDurableStore(durable)
})

it('writes changes that come together in one transaction, and answers each', async () => {
  const calls = Array.from({ length: 20 }, () => rows.call())
  const inserted = await Promise.all(calls.map((call) => writer.insert(call)))
  expect(inserted).toEqual(calls.map(() => ({ inserted: true })))

  const leased = await writer.lease(rows.leaseRequest())
  const refs = leased.map(({ id, projectId, leaseId }) => ({ projectId, callId: id, leaseId: leaseId ?? '' }))
  const strange = { ...refs[0], leaseId: 'another' } as (typeof refs)[0]
  const acked = await Promise.all([strange, ...refs].map((ref, index) => writer.ack(ref, now + 60_000 + index, now)))
  expect(acked).toEqual([false, ...refs.map(() => true)])
  expect(await writer.find(given.project.id, calls[3]?.id ?? '')).toMatchObject({ leaseUntil: now + 60_004 })

  const released = await Promise.all([strange, ...refs.slice(0, 5)].map((ref) => writer.release(ref)))
  expect(released).toEqual([false, true, true, true, true, true])
  const endings = [...calls, calls[0] as (typeof calls)[0]].map((call) => writer.finish(rows.outcome(call)))
  expect(await Promise.all(endings)).toEqual([...calls.map(() => 'ended'), 'late'])
  // One for the lease, as nothing else came with it.
  expect(durable.write).toHaveBeenCalledTimes(5)
})

it('writes changes of different kinds together, whose answers are those of each', async () => {
  const held = await rows.leased()
  const [waiting, ending] = [rows.call(), await rows.stored()]
  const answers = await Promise.all([
    writer.ack(held, now + 60_000, now),
    writer.insert(waiting),
    writer.release({ ...held, leaseId: 'another' }),
    writer.finish(rows.outcome(ending)),
    writer.lease(rows.leaseRequest()),
  ])
  expect(answers).toMatchObject([true, { inserted: true }, false, 'ended', [{ id: waiting.id, deliveries: 1 }]])
  expect(durable.write).toHaveBeenCalledTimes(1)
})

it('passes claims on', async () => {
  const [first, second] = [rows.claiming(), rows.claiming()]
  const answers = await Promise.all([first, second].map(({ call, claim }) => writer.insert(call, claim)))
  expect(answers).toMatchObject([{ inserted: true }, { inserted: false, existing: { callId: first.call.id } }])
})

it('takes the latest time of a batch for whether leases have ended', async () => {
  const [early, late] = [await rows.leased(), await rows.leased({ leaseUntil: now + 90_000 })]
  const acks = [writer.ack(early, now + 100_000, now), writer.ack(late, now + 100_000, now + 40_000)]
  expect(await Promise.all(acks)).toEqual([false, true])
})

it('splits a batch of heavy calls', async () => {
  const heavy = createGroupedDurableStore(durable, { maxWeight: 1_000 })
  const calls = Array.from({ length: 4 }, () => rows.call({ request: 'x'.repeat(400) }))
  await Promise.all(calls.map((call) => heavy.insert(call)))
  expect(vi.mocked(durable.write).mock.calls.map(([list]) => list.length)).toEqual([2, 2])
})

it('hands everything else to the store', async () => {
  const letter = await rows.dead()
  const waiting = await rows.stored()
  const { project } = given
  expect(await writer.unfinished(10)).toEqual([waiting])
  expect(await writer.unfinished(10, waiting.id)).toEqual([])
  expect(await writer.inboxDepths()).toEqual(new Map([[rows.toolkitId, 1]]))
  expect(await writer.outcome(project.id, letter.id)).toMatchObject({ callId: letter.id })
  expect(await writer.dead(project.id, 10)).toEqual([letter])
  expect(await writer.dead(project.id, 10, letter.id)).toEqual([])
  expect(await writer.markRetried(project.id, letter.id, 'new')).toBe(true)
  expect(await writer.dropDead(project.id, letter.id)).toBe(true)
  expect(await writer.purge(now + 2 * 86_400_000, 0, 10)).toBe(1)
})

it('has written everything once it is closed, and takes nothing after that', async () => {
  const [waiting, coming] = [await rows.stored(), rows.call()]
  const changes = Promise.all([writer.insert(coming), writer.finish(rows.outcome(waiting))])
  await writer.close()
  expect(await durable.unfinished(10)).toEqual([coming])
  expect(await changes).toEqual([{ inserted: true }, 'ended'])
  await expect(writer.insert(rows.call())).rejects.toMatchObject({ code: 'server_shutting_down' })
  await writer.settled()
  expect(await writer.find(given.project.id, coming.id)).toEqual(coming)
})
