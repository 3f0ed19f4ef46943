import type { ErrorCode } from '@atp/core'
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { StoredCall, StoredCallDelivery, StoredCallState, StoredOutcome } from '../durable-store.ts'
import type { CallStatus } from '../store.ts'
import type { BatchColumns, BatchRow, BatchSql, ColumnType } from './batch-sql.ts'
import type { CallOutcomeTable, Database, DurableCallTable } from './database.ts'

/** What the parts of the durable store work with. */
export interface DurableDatabase {
  database: Kysely<Database>
  batch: BatchSql
}

/** A stored call as its row has it. */
export function toStoredCall(row: DurableCallTable): StoredCall {
  return {
    id: row.id,
    projectId: row.project_id,
    keyId: row.key_id,
    toolkitId: row.toolkit_id,
    tool: row.tool,
    delivery: row.delivery as StoredCallDelivery,
    idempotent: row.idempotent === 1,
    state: row.state as StoredCallState,
    deliveries: row.deliveries,
    leaseId: row.lease_id,
    leaseUntil: row.lease_until,
    deadlineAt: row.deadline_at,
    timeoutMs: row.timeout_ms,
    dataKeyId: row.data_key_id,
    request: row.request,
    createdAt: row.created_at,
    retriedAs: row.retried_as,
  }
}

/** The columns of a stored call, in the order of {@link callRow}. */
export const callColumns: Readonly<Record<keyof DurableCallTable, ColumnType>> = {
  id: 'text',
  project_id: 'text',
  key_id: 'text',
  toolkit_id: 'text',
  tool: 'text',
  delivery: 'text',
  idempotent: 'bigint',
  state: 'text',
  deliveries: 'bigint',
  lease_id: 'text',
  lease_until: 'bigint',
  deadline_at: 'bigint',
  timeout_ms: 'bigint',
  data_key_id: 'text',
  request: 'text',
  created_at: 'bigint',
  retried_as: 'text',
}

/** The values of a stored call's row. */
export function callRow(call: StoredCall): BatchRow {
  return [
    call.id,
    call.projectId,
    call.keyId,
    call.toolkitId,
    call.tool,
    call.delivery,
    call.idempotent ? 1 : 0,
    call.state,
    call.deliveries,
    call.leaseId,
    call.leaseUntil,
    call.deadlineAt,
    call.timeoutMs,
    call.dataKeyId,
    call.request,
    call.createdAt,
    call.retriedAs,
  ]
}

/** An outcome as its row has it. */
export function toOutcome(row: CallOutcomeTable): StoredOutcome {
  return {
    callId: row.call_id,
    projectId: row.project_id,
    status: row.status as CallStatus,
    errorCode: row.error_code as ErrorCode | null,
    dataKeyId: row.data_key_id,
    outcome: row.outcome,
    endedAt: row.ended_at,
    expiresAt: row.expires_at,
  }
}

/** The columns of an outcome, in the order of {@link outcomeRow}. */
export const outcomeColumns: Readonly<Record<keyof CallOutcomeTable, ColumnType>> = {
  call_id: 'text',
  project_id: 'text',
  status: 'text',
  error_code: 'text',
  data_key_id: 'text',
  outcome: 'text',
  ended_at: 'bigint',
  expires_at: 'bigint',
}

/** The values of an outcome's row. */
export function outcomeRow(outcome: StoredOutcome): BatchRow {
  return [
    outcome.callId,
    outcome.projectId,
    outcome.status,
    outcome.errorCode,
    outcome.dataKeyId,
    outcome.outcome,
    outcome.endedAt,
    outcome.expiresAt,
  ]
}

/** Calls without an outcome. In the words of their index: SQLite compares texts. */
export const isUnfinished: RawBuilder<SqlBool> = sql<SqlBool>`state not in ('ended', 'dead')`

/** Dead letters, in the words of their indexes. */
export const isDead: RawBuilder<SqlBool> = sql<SqlBool>`state = 'dead'`

/** Names of columns with commas between them. */
export function names(columns: BatchColumns): RawBuilder<unknown> {
  return sql.join(Object.keys(columns).map((name) => sql.ref(name)))
}

/** What decides whether a change of a call may be made. */
export type LockedCall = Pick<
  DurableCallTable,
  'id' | 'project_id' | 'state' | 'lease_id' | 'lease_until' | 'data_key_id'
>

/**
 * The calls of these ids, by id, locked until the transaction ends. Always in the order of their ids, so that two
 * transactions never wait for each other.
 */
export async function lockCalls(
  { database, batch }: DurableDatabase,
  ids: readonly string[],
): Promise<Map<string, LockedCall>> {
  const { rows } = await sql<LockedCall>`
    select id, project_id, state, lease_id, lease_until, data_key_id from durable_calls
    where id ${batch.among(ids)} order by id ${batch.locks.update}`.execute(database)
  return new Map(rows.map((row) => [row.id, row]))
}
