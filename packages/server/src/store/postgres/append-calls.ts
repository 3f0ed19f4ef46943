import { type Kysely, sql } from 'kysely'
import type { Database } from '../kysely/database.ts'
import type { CallLogStore } from '../store.ts'

/**
 * The call log's writer on PostgreSQL: one statement and eleven arrays, however many rows there are. A statement with a
 * parameter for each value would be another text for each number of rows, and may have no more than 65,535 of them.
 */
export function createCallAppender(database: Kysely<Database>): CallLogStore['append'] {
  return async (calls) => {
    if (calls.length === 0) return
    await sql`
      insert into calls (id, project_id, key_id, toolkit_id, toolkit_name, tool, delivery, status, error_code,
        started_at, duration_ms)
      select * from unnest(
        ${calls.map((call) => call.id)}::text[],
        ${calls.map((call) => call.projectId)}::text[],
        ${calls.map((call) => call.keyId)}::text[],
        ${calls.map((call) => call.toolkitId)}::text[],
        ${calls.map((call) => call.toolkitName)}::text[],
        ${calls.map((call) => call.tool)}::text[],
        ${calls.map((call) => call.delivery)}::text[],
        ${calls.map((call) => call.status)}::text[],
        ${calls.map((call) => call.errorCode)}::text[],
        ${calls.map((call) => call.startedAt)}::bigint[],
        ${calls.map((call) => call.durationMs)}::double precision[]
      ) on conflict do nothing`.execute(database)
  }
}
