import type { ErrorCode } from '@atp/core'
import type { Kysely } from 'kysely'
import { type CallLogStore, type CallRecord, type CallStatus, callScanLimit } from '../store.ts'
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

    async list(projectId, { toolkitId, tool, status, before, limit = defaultLimit }) {
      let scanned = database.selectFrom('calls').where('project_id', '=', projectId)
      if (before !== undefined) scanned = scanned.where('id', '<', before)
      scanned = scanned.orderBy('id', 'desc')
      let query = database.selectFrom(scanned.selectAll().limit(callScanLimit).as('scanned')).selectAll()
      if (toolkitId !== undefined) query = query.where('toolkit_id', '=', toolkitId)
      if (tool !== undefined) query = query.where('tool', '=', tool)
      if (status !== undefined) query = query.where('status', '=', status)
      const count = Math.max(1, Math.min(Math.trunc(limit), maxLimit))
      const rows = await query.orderBy('id', 'desc').limit(count).execute()
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
