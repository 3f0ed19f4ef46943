import { sql } from 'kysely'
import type { FinishAnswer, NewOutcome } from '../durable-store.ts'
import { claimKeyColumns } from './durable-insert.ts'
import { holdsLease } from './durable-leases.ts'
import { type DurableDatabase, lockCalls, names, outcomeColumns, outcomeRow } from './durable-rows.ts'

/** Writes outcomes, in the transaction that it is given; see `DurableStore.finish`. */
export async function finishCalls(durable: DurableDatabase, outcomes: readonly NewOutcome[]): Promise<FinishAnswer[]> {
  const calls = await lockCalls(
    durable,
    outcomes.map(({ callId }) => callId),
  )
  const ending = new Map<string, NewOutcome>()
  const answers = outcomes.map((outcome): FinishAnswer => {
    const { callId, projectId, leaseId, dataKeyId } = outcome
    const call = calls.get(callId)
    if (call?.project_id !== projectId) return 'missing'
    if (call.state === 'ended' || call.state === 'dead' || ending.has(callId)) return 'late'
    if (leaseId !== undefined && !holdsLease(call, { projectId, callId, leaseId })) return 'stale'
    if (call.data_key_id !== dataKeyId) {
      // A rotation would take such a key for one that nothing needs.
      throw new Error(`The outcome of call "${callId}" is sealed under another data key than the call`)
    }
    ending.set(callId, outcome)
    return 'ended'
  })
  await endCalls(durable, [...ending.values()])
  return answers
}

async function endCalls({ database, batch }: DurableDatabase, outcomes: readonly NewOutcome[]): Promise<void> {
  if (outcomes.length === 0) return
  // The state of a call says already whether it has an outcome; the primary key makes sure.
  await sql`
    insert into call_outcomes (${names(outcomeColumns)})
    select ${names(outcomeColumns)} from ${batch.table('given', outcomeColumns, outcomes.map(outcomeRow))}`.execute(
    database,
  )
  const states = outcomes.map(({ callId, dead }) => [callId, dead ? 'dead' : 'ended'])
  await sql`
    update durable_calls set
      state = given.state, lease_id = null, lease_until = null,
      request = case when given.state = 'dead' then durable_calls.request else '' end
    from ${batch.table('given', { id: 'text', state: 'text' }, states)}
    where durable_calls.id = given.id`.execute(database)
  const forgetting = outcomes.filter(({ forgetClaim }) => forgetClaim).map(({ callId }) => callId)
  if (forgetting.length > 0) await deleteClaims({ database, batch }, forgetting)
}

async function deleteClaims({ database, batch }: DurableDatabase, callIds: readonly string[]): Promise<void> {
  // In the order in which an insert takes them: otherwise the two could wait for each other.
  await sql`
    select call_id from idempotency_claims where call_id ${batch.among(callIds)}
    order by ${names(claimKeyColumns)} ${batch.locks.update}`.execute(database)
  await sql`delete from idempotency_claims where call_id ${batch.among(callIds)}`.execute(database)
}
