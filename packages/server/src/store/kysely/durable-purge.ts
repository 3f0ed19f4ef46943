import { sql } from 'kysely'
import { deleteUnusedDataKeys } from './data-key-store.ts'
import { type DurableDatabase, isDead, lockCalls } from './durable-rows.ts'

/*
 * Each deletes in two statements, because PostgreSQL reads the whole table for "delete … where id in (select …)".
 */

/** Deletes outcomes past their time and their calls, in the transaction that it is given. Returns how many rows. */
export async function purgeOutcomes({ database, batch }: DurableDatabase, now: number, limit: number): Promise<number> {
  // Named data keys let the index find them by their time.
  const { rows } = await sql<{ call_id: string }>`
    select call_id from call_outcomes
    where data_key_id in (select id from data_keys) and expires_at <= ${now}
    limit ${limit} ${batch.locks.updateSkipLocked}`.execute(database)
  if (rows.length === 0) return 0
  const ids = rows.map((row) => row.call_id)
  await sql`delete from call_outcomes where call_id ${batch.among(ids)}`.execute(database)
  // Locked in the order in which everybody locks them.
  const calls = await lockCalls({ database, batch }, ids)
  const ended = [...calls.values()].filter(({ state }) => state === 'ended').map(({ id }) => id)
  await sql`delete from durable_calls where id ${batch.among(ended)}`.execute(database)
  return ids.length + ended.length
}

/** Deletes claims past their time, in the transaction that it is given; returns how many. */
export async function purgeClaims({ database, batch }: DurableDatabase, now: number, limit: number): Promise<number> {
  const { rows } = await sql<{ call_id: string }>`
    select call_id from idempotency_claims where expires_at <= ${now}
    limit ${limit} ${batch.locks.updateSkipLocked}`.execute(database)
  const ids = rows.map((row) => row.call_id)
  if (ids.length > 0) await sql`delete from idempotency_claims where call_id ${batch.among(ids)}`.execute(database)
  return ids.length
}

/** Deletes dead letters of calls created before a time, in the transaction that it is given; returns how many. */
export async function purgeDead({ database, batch }: DurableDatabase, before: number, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select id from durable_calls where ${isDead} and created_at < ${before}
    limit ${limit} ${batch.locks.updateSkipLocked}`.execute(database)
  const ids = rows.map((row) => row.id)
  if (ids.length > 0) await sql`delete from durable_calls where id ${batch.among(ids)}`.execute(database)
  return ids.length
}

/** Deletes retired data keys whose calls and outcomes were all forgotten; returns how many. */
export async function purgeDataKeys({ database }: DurableDatabase): Promise<number> {
  return (await deleteUnusedDataKeys(database)).length
}
