import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { DataKeyStore, StoredDataKey } from '../store.ts'
import type { BatchSql } from './batch-sql.ts'
import type { Database, DataKeyTable } from './database.ts'
import { isDead, isUnfinished } from './durable-rows.ts'

/** Wrapped data keys on any database Kysely speaks to. */
export function createDataKeyStore(database: Kysely<Database>, { locks }: BatchSql): DataKeyStore {
  async function findActive(projectId: string): Promise<StoredDataKey | undefined> {
    const row = await database
      .selectFrom('data_keys')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('retired_at', 'is', null)
      .executeTakeFirst()
    return row && toDataKey(row)
  }

  return {
    async ensure(key) {
      for (let round = 0; round < maxRounds; round += 1) {
        const found = await findActive(key.projectId)
        if (found) return found
        const row = await database
          .insertInto('data_keys')
          .values({
            project_id: key.projectId,
            id: key.id,
            master_key_id: key.masterKeyId,
            wrapped: key.wrapped,
            encryptions: 0,
            created_at: key.createdAt,
            retired_at: null,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst()
        if (row) return toDataKey(row)
        // Another caller made one in between; the next round sees it, unless it was retired already.
      }
      throw new Error(`No data key in use for project "${key.projectId}" after ${maxRounds} rounds: are ids unique?`)
    },

    findActive,

    async find(projectId, id) {
      const row = await database
        .selectFrom('data_keys')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toDataKey(row)
    },

    async rewrap({ projectId, id, masterKeyId, wrapped }, was) {
      const row = await database
        .updateTable('data_keys')
        .set({ master_key_id: masterKeyId, wrapped })
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .where('wrapped', '=', was)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async retire(projectId, id, now) {
      const row = await database
        .updateTable('data_keys')
        .set({ retired_at: now })
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .where('retired_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async retireAll(now) {
      // In the order in which whoever stores calls locks them: otherwise the two could wait for each other.
      const { rows } = await sql`
        update data_keys set retired_at = ${now}
        where id in (select id from data_keys where retired_at is null order by id ${locks.update})
        returning id`.execute(database)
      return rows.length
    },

    async removeUnused(projectId, id) {
      return (await deleteUnusedDataKeys(database, { projectId, id })).length > 0
    },

    async summarize() {
      const rows = await database
        .selectFrom('data_keys')
        .leftJoin('secrets', (join) =>
          join
            .onRef('secrets.project_id', '=', 'data_keys.project_id')
            .onRef('secrets.data_key_id', '=', 'data_keys.id'),
        )
        .select([
          'data_keys.project_id',
          'data_keys.id',
          'data_keys.master_key_id',
          'data_keys.created_at',
          'data_keys.retired_at',
        ])
        .select(({ fn, exists, or, selectFrom }) => [
          fn.count('secrets.field').as('secrets'),
          or([exists(callsSealedWith(selectFrom)), exists(outcomesSealedWith(selectFrom))]).as('calls'),
        ])
        .groupBy([
          'data_keys.project_id',
          'data_keys.id',
          'data_keys.master_key_id',
          'data_keys.created_at',
          'data_keys.retired_at',
        ])
        .orderBy('data_keys.project_id')
        .orderBy('data_keys.created_at')
        .orderBy('data_keys.id')
        .execute()
      return rows.map((row) => ({
        projectId: row.project_id,
        id: row.id,
        masterKeyId: row.master_key_id,
        retiredAt: row.retired_at,
        secrets: Number(row.secrets),
        // SQLite has no booleans.
        calls: Boolean(row.calls),
      }))
    },
  }
}

/**
 * Deletes the retired keys that no secret, no call and no outcome needs any more: all, or the one that is named. What is
 * sealed later has another key, as whoever writes it looks whether its key is in use.
 */
export async function deleteUnusedDataKeys(
  database: Kysely<Database>,
  only?: Pick<StoredDataKey, 'projectId' | 'id'>,
): Promise<Pick<DataKeyTable, 'id'>[]> {
  let query = database
    .deleteFrom('data_keys')
    .where('retired_at', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('secrets')
            .select('secrets.field')
            .whereRef('secrets.project_id', '=', 'data_keys.project_id')
            .whereRef('secrets.data_key_id', '=', 'data_keys.id'),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) => not(exists(callsSealedWith(selectFrom))))
    .where(({ not, exists, selectFrom }) => not(exists(outcomesSealedWith(selectFrom))))
  if (only) query = query.where('project_id', '=', only.projectId).where('id', '=', only.id)
  return query.returning('id').execute()
}

type SelectFrom = ExpressionBuilder<Database, 'data_keys'>['selectFrom']

/** Calls whose request is kept; in two parts, each in the words of its index. */
function callsSealedWith(selectFrom: SelectFrom) {
  const calls = selectFrom('durable_calls')
    .select('durable_calls.id')
    .whereRef('durable_calls.project_id', '=', 'data_keys.project_id')
    .whereRef('durable_calls.data_key_id', '=', 'data_keys.id')
  return calls.where(isUnfinished).unionAll(calls.where(isDead))
}

function outcomesSealedWith(selectFrom: SelectFrom) {
  return selectFrom('call_outcomes')
    .select('call_outcomes.call_id')
    .whereRef('call_outcomes.project_id', '=', 'data_keys.project_id')
    .whereRef('call_outcomes.data_key_id', '=', 'data_keys.id')
}

/** Each lost round means that another caller made a key and a third one retired it at once. */
const maxRounds = 10

function toDataKey(row: DataKeyTable): StoredDataKey {
  return {
    projectId: row.project_id,
    id: row.id,
    masterKeyId: row.master_key_id,
    wrapped: row.wrapped,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
  }
}
