import { sql } from 'kysely'
import type { ClaimHolder, IdempotencyClaim, InsertAnswer, NewStoredCall, StoredCall } from '../durable-store.ts'
import type { BatchColumns, BatchRow } from './batch-sql.ts'
import { callColumns, callRow, type DurableDatabase, names } from './durable-rows.ts'

/** Stores calls with their claims, in the transaction that it is given; see `DurableStore.insert`. */
export async function insertCalls(durable: DurableDatabase, calls: readonly NewStoredCall[]): Promise<InsertAnswer[]> {
  const inUse = await dataKeysInUse(durable, calls)
  const storable = calls.filter(({ call }) => inUse.has(dataKeyOf(call)))
  const holders = await takeClaims(durable, storable.filter(isClaiming))
  const answers = calls.map(({ call, claim }): InsertAnswer => {
    if (!inUse.has(dataKeyOf(call))) return { inserted: false, retired: true }
    const existing = claim && holders.get(claimKey(call, claim))
    return existing === undefined || existing.callId === call.id ? { inserted: true } : { inserted: false, existing }
  })
  await writeCalls(
    durable,
    calls.filter((_, index) => answers[index]?.inserted).map(({ call }) => call),
  )
  return answers
}

/**
 * Which of the calls' data keys are in use. They stay so until the transaction ends: a retired key is deleted once
 * nothing needs it, which must not miss what is being written.
 */
async function dataKeysInUse(
  { database, batch }: DurableDatabase,
  calls: readonly NewStoredCall[],
): Promise<Set<string>> {
  const ids = [...new Set(calls.map(({ call }) => call.dataKeyId))]
  const { rows } = await sql<{ project_id: string; id: string }>`
    select project_id, id from data_keys
    where id ${batch.among(ids)} and retired_at is null order by id ${batch.locks.share}`.execute(database)
  return new Set(rows.map((row) => `${row.project_id} ${row.id}`))
}

function dataKeyOf({ projectId, dataKeyId }: StoredCall): string {
  return `${projectId} ${dataKeyId}`
}

async function writeCalls({ database, batch }: DurableDatabase, calls: readonly StoredCall[]): Promise<void> {
  if (calls.length === 0) return
  await sql`
    insert into durable_calls (${names(callColumns)})
    select ${names(callColumns)} from ${batch.table('given', callColumns, calls.map(callRow))}`.execute(database)
}

type ClaimingCall = NewStoredCall & { claim: IdempotencyClaim }

function isClaiming(one: NewStoredCall): one is ClaimingCall {
  return one.claim !== undefined
}

/** Takes the claims that nobody holds. Returns who holds each of them now. */
async function takeClaims(
  { database, batch }: DurableDatabase,
  calls: readonly ClaimingCall[],
): Promise<Map<string, ClaimHolder>> {
  const holders = new Map<string, ClaimHolder>()
  const wanted = new Map<string, ClaimingCall>()
  for (const one of calls) {
    const key = claimKey(one.call, one.claim)
    // One statement may not touch a row twice, and the first of a list stays.
    if (!wanted.has(key)) wanted.set(key, one)
  }
  if (wanted.size === 0) return holders

  const { rows: taken } = await sql<{ call_id: string }>`
    insert into idempotency_claims (${names(claimColumns)})
    select ${names(claimColumns)} from ${batch.table('given', claimColumns, [...wanted.values()].map(claimRow))}
    where true order by ${names(claimKeyColumns)}
    on conflict (${names(claimKeyColumns)}) do update set
      call_id = excluded.call_id, fingerprint = excluded.fingerprint,
      created_at = excluded.created_at, expires_at = excluded.expires_at
    where idempotency_claims.expires_at <= excluded.created_at
    returning call_id`.execute(database)
  const winners = new Set(taken.map((row) => row.call_id))
  const lost: BatchRow[] = []
  for (const [key, { call, claim }] of wanted) {
    if (winners.has(call.id)) holders.set(key, { callId: call.id, fingerprint: claim.fingerprint })
    else lost.push(claimKeyRow(call, claim))
  }
  if (lost.length === 0) return holders

  // The conflict locked these rows: they cannot have gone since.
  const { rows: held } = await sql<HeldClaim>`
    select held.project_id, held.key_id, held.external_user_id, held.key_hash, held.call_id, held.fingerprint
    from ${batch.table('given', claimKeyColumns, lost)} join idempotency_claims held on
      held.project_id = given.project_id and held.key_id = given.key_id
      and held.external_user_id = given.external_user_id and held.key_hash = given.key_hash`.execute(database)
  for (const row of held) {
    const key = claimKeyText([row.project_id, row.key_id, row.external_user_id, row.key_hash])
    holders.set(key, { callId: row.call_id, fingerprint: row.fingerprint })
  }
  return holders
}

interface HeldClaim {
  project_id: string
  key_id: string
  external_user_id: string
  key_hash: string
  call_id: string
  fingerprint: string
}

/** What makes a claim the same as another one; claims are locked in this order. */
export const claimKeyColumns: BatchColumns = {
  project_id: 'text',
  key_id: 'text',
  external_user_id: 'text',
  key_hash: 'text',
}

const claimColumns: BatchColumns = {
  ...claimKeyColumns,
  call_id: 'text',
  fingerprint: 'text',
  created_at: 'bigint',
  expires_at: 'bigint',
}

function claimRow({ call, claim }: ClaimingCall): BatchRow {
  return [...claimKeyRow(call, claim), call.id, claim.fingerprint, call.createdAt, claim.expiresAt]
}

/** The user's id may be any text, also one that a database would change: two users must never look like one. */
export function userColumn({ externalUserId }: IdempotencyClaim): string {
  return JSON.stringify(externalUserId).slice(1, -1)
}

function claimKeyRow(call: Pick<StoredCall, 'projectId' | 'keyId'>, claim: IdempotencyClaim): BatchRow {
  return [call.projectId, call.keyId, userColumn(claim), claim.keyHash]
}

function claimKey(call: StoredCall, claim: IdempotencyClaim): string {
  return claimKeyText(claimKeyRow(call, claim))
}

function claimKeyText(row: BatchRow): string {
  return JSON.stringify(row)
}
