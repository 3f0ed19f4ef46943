import { sql } from 'kysely'
import type { LeaseAck, LeaseRef, LeaseRequest, StoredCall } from '../durable-store.ts'
import type { DurableCallTable } from './database.ts'
import { callColumns, type DurableDatabase, type LockedCall, lockCalls, toStoredCall } from './durable-rows.ts'

/** Leases queued calls, in one statement; see `DurableStore.lease`. */
export async function leaseCalls({ database, batch }: DurableDatabase, request: LeaseRequest): Promise<StoredCall[]> {
  const { projectId, toolkitId, max, tools, newLeaseId, leaseUntil, ack = false, now } = request
  if (max < 1 || tools?.size === 0) return []
  const leaseIds = Array.from({ length: max }, (_, index) => [index + 1, newLeaseId()])
  const { rows } = await sql<DurableCallTable>`
    with oldest as (
      select id from durable_calls
      where toolkit_id = ${toolkitId} and state = 'queued' and project_id = ${projectId} and delivery = 'inbox'
        and deadline_at > ${now} ${tools === undefined ? sql`` : sql`and tool ${batch.among([...tools])}`}
      order by id limit ${max} ${batch.locks.updateSkipLocked}
    ), numbered as (
      select id, row_number() over (order by id) as number from oldest
    ), leased as (
      select numbered.id, given.lease_id from numbered
      join ${batch.table('given', { number: 'bigint', lease_id: 'text' }, leaseIds)} on given.number = numbered.number
    )
    update durable_calls set
      state = ${ack ? 'acked' : 'leased'}, deliveries = deliveries + 1,
      lease_id = leased.lease_id, lease_until = ${leaseUntil}
    from leased where durable_calls.id = leased.id
    returning ${sql.join(Object.keys(callColumns).map((name) => sql.ref(`durable_calls.${name}`)))}`.execute(database)
  return rows.map(toStoredCall).sort((left, right) => (left.id < right.id ? -1 : 1))
}

/** Acknowledges leases, in the transaction that it is given; see `DurableStore.ack`. */
export async function ackCalls(durable: DurableDatabase, acks: readonly LeaseAck[], now: number): Promise<boolean[]> {
  const { database, batch } = durable
  const calls = await lockCalls(
    durable,
    acks.map(({ callId }) => callId),
  )
  const answers = acks.map((ack) => {
    const call = calls.get(ack.callId)
    return holdsLease(call, ack) && (call.lease_until ?? 0) > now
  })
  const until = new Map<string, number>()
  for (const [index, { callId, leaseUntil }] of acks.entries()) if (answers[index]) until.set(callId, leaseUntil)
  if (until.size > 0) {
    await sql`
      update durable_calls set state = 'acked', lease_until = given.lease_until
      from ${batch.table('given', { id: 'text', lease_until: 'bigint' }, [...until])}
      where durable_calls.id = given.id`.execute(database)
  }
  return answers
}

/** Gives leases back, in the transaction that it is given; see `DurableStore.release`. */
export async function releaseCalls(durable: DurableDatabase, refs: readonly LeaseRef[]): Promise<boolean[]> {
  const { database, batch } = durable
  const calls = await lockCalls(
    durable,
    refs.map(({ callId }) => callId),
  )
  const answers = refs.map((ref) => holdsLease(calls.get(ref.callId), ref))
  const released = refs.filter((_, index) => answers[index]).map(({ callId }) => callId)
  if (released.length > 0) {
    await sql`
      update durable_calls set state = 'queued', lease_id = null, lease_until = null
      where id ${batch.among(released)}`.execute(database)
  }
  return answers
}

/** Whether a call is leased, and with this lease. */
export function holdsLease(call: LockedCall | undefined, { projectId, leaseId }: LeaseRef): call is LockedCall {
  return (
    call?.project_id === projectId && call.lease_id === leaseId && (call.state === 'leased' || call.state === 'acked')
  )
}
