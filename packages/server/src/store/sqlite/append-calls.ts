import type { DatabaseSync } from 'node:sqlite'
import type { CallLogStore, CallRecord } from '../store.ts'
import { retryWhileBusy } from './busy.ts'
import { withStoreErrorsLater } from './store-errors.ts'

/**
 * The call log's writer on SQLite: one prepared statement, run row by row in one transaction. Handing the batch over
 * as one JSON text to `json_each` takes twice as long, and Kysely would add its compiler to every row.
 *
 * Obligation: nothing else may begin a transaction on this connection.
 */
export function createCallAppender(database: DatabaseSync): CallLogStore['append'] {
  const insert = database.prepare(
    'insert into calls (id, project_id, key_id, toolkit_id, toolkit_name, tool, delivery, status, error_code,' +
      ' started_at, duration_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing',
  )

  return async (calls) => {
    if (calls.length > 0) await withStoreErrorsLater(() => retryWhileBusy(() => write(calls)))
  }

  /** Without an await, so that nobody else uses the connection between its first statement and its last. */
  function write(calls: readonly CallRecord[]): void {
    database.exec('begin immediate')
    try {
      for (const call of calls) {
        insert.run(
          call.id,
          call.projectId,
          call.keyId,
          call.toolkitId,
          call.toolkitName,
          call.tool,
          call.delivery,
          call.status,
          call.errorCode,
          call.startedAt,
          call.durationMs,
        )
      }
      database.exec('commit')
    } catch (error) {
      // SQLite ends the transaction itself after some errors, such as a full disk.
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }
}
