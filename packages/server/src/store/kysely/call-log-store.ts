import type { ErrorCode } from '@atp/core'
import type { Kysely } from 'kysely'
import { type CallFilter, type CallLogStore, type CallRecord, type CallStatus, callScanLimit } from '../store.ts'
import type { CallTable, Database } from './database.ts'

/** The call log on any database Kysely speaks to. Writing is given, as each database has another fastest way. */
export function createCallLogStore(database: Kysely<Database>, append: CallLogStore['append']): CallLogStore {
  return {
    append,

    async find(projectId, id) {
      const row = await database
        .selectFrom('calls')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toCall(row)
    },

    async list(projectId, filter) {
      const { before, after, since, limit = defaultLimit } = filter
      let scanned = database.selectFrom('calls').where('project_id', '=', projectId)
      if (before !== undefined) scanned = scanned.where('id', '<', before)
      if (after !== undefined) scanned = scanned.where('id', '>', after)
      if (since !== undefined) scanned = scanned.where('id', '>', idBefore(since))
      const order = after === undefined ? 'desc' : 'asc'
      scanned = scanned.orderBy('id', order)
      let query = database.selectFrom(scanned.selectAll().limit(callScanLimit).as('scanned')).selectAll()
      for (const [member, column] of filterColumns) {
        const value = filter[member]
        if (value !== undefined) query = query.where(column, '=', value)
      }
      if (since !== undefined) query = query.where('started_at', '>=', since)
      const count = Math.max(1, Math.min(Math.trunc(limit), maxLimit))
      const rows = await query.orderBy('id', order).limit(count).execute()
      const calls = rows.map(toCall)
      if (calls.length === count) return { calls, next: calls.at(-1)?.id ?? null }
      const last = await scanned
        .select('id')
        .offset(callScanLimit - 1)
        .limit(1)
        .executeTakeFirst()
      return { calls, next: last?.id ?? null }
    },
  }
}

const filterColumns = [
  ['toolkitId', 'toolkit_id'],
  ['tool', 'tool'],
  ['status', 'status'],
  ['delivery', 'delivery'],
  ['errorCode', 'error_code'],
] as const satisfies [keyof CallFilter, keyof CallTable][]

/**
 * Below the id of every call that started at a time: a UUIDv7 begins with its own. The id may be a little older than
 * what its call notes, or much younger after the clock was set back.
 */
function idBefore(time: number): string {
  const hex = Math.max(0, time - 60_000)
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

const defaultLimit = 50
const maxLimit = 500

function toCall(row: CallTable): CallRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    keyId: row.key_id,
    toolkitId: row.toolkit_id,
    toolkitName: row.toolkit_name,
    tool: row.tool,
    delivery: row.delivery as CallRecord['delivery'],
    status: row.status as CallStatus,
    errorCode: row.error_code as ErrorCode | null,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
  }
}
