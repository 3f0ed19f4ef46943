import { AtpError } from '@atp/core'
import type { Kysely } from 'kysely'
import type { KeyKind, KeyStore, StoredKey } from '../store.ts'
import type { Database, KeyTable } from './database.ts'

/** Keys on any database Kysely speaks to. */
export function createKeyStore(database: Kysely<Database>): KeyStore {
  return {
    async insert(key) {
      const row = await database
        .insertInto('keys')
        .values({
          id: key.id,
          project_id: key.projectId,
          kind: key.kind,
          name: key.name,
          toolkit_id: key.toolkitId,
          hash: key.hash,
          created_at: key.createdAt,
          expires_at: key.expiresAt,
          revoked_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return toKey(row)
    },

    async findByHash(hash) {
      const row = await database.selectFrom('keys').selectAll().where('hash', '=', hash).executeTakeFirst()
      return row && { ...toKey(row), hash: row.hash }
    },

    async find(projectId, id) {
      const row = await database
        .selectFrom('keys')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toKey(row)
    },

    async list(projectId) {
      const rows = await database
        .selectFrom('keys')
        .selectAll()
        .where('project_id', '=', projectId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(toKey)
    },

    revoke(projectId, id, now) {
      return database.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('keys')
          .set((expression) => ({ revoked_at: expression.fn.coalesce('revoked_at', expression.val(now)) }))
          .where('project_id', '=', projectId)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirst()
        if (row === undefined) return undefined
        await transaction
          .deleteFrom('secrets')
          .where('project_id', '=', projectId)
          .where('owner_kind', '=', 'key')
          .where('owner_id', '=', id)
          .execute()
        return toKey(row)
      })
    },

    async revokedSince(since) {
      const rows = await database
        .selectFrom('keys')
        .select('id')
        .where('revoked_at', '>=', since)
        .orderBy('revoked_at')
        .execute()
      return rows.map((row) => row.id)
    },

    async bindToolkit(id, toolkitId) {
      // One statement decides, so that of two callers at once the second sees what the first one bound.
      await database
        .updateTable('keys')
        .set({ toolkit_id: toolkitId })
        .where('id', '=', id)
        .where('kind', '=', 'toolkit')
        .where('toolkit_id', 'is', null)
        .where((expression) =>
          expression.exists(
            expression
              .selectFrom('toolkits')
              .select('toolkits.id')
              .where('toolkits.id', '=', toolkitId)
              .whereRef('toolkits.project_id', '=', 'keys.project_id'),
          ),
        )
        .execute()
      const row = await database.selectFrom('keys').select('toolkit_id').where('id', '=', id).executeTakeFirst()
      if (row?.toolkit_id) return row.toolkit_id
      throw new AtpError(
        'not_found',
        `Key "${id}" cannot be bound to toolkit "${toolkitId}": use a toolkit key and a toolkit of the same project`,
      )
    },
  }
}

function toKey(row: KeyTable): StoredKey {
  return {
    id: row.id,
    projectId: row.project_id,
    kind: row.kind as KeyKind,
    name: row.name,
    toolkitId: row.toolkit_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
