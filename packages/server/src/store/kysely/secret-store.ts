import type { Kysely, Transaction } from 'kysely'
import { maxEncryptions, type SecretOwner, type SecretStore, type StoredSecret } from '../store.ts'
import type { Database, SecretTable } from './database.ts'

/** Encrypted secrets on any database Kysely speaks to. */
export function createSecretStore(database: Kysely<Database>): SecretStore {
  return {
    put(secret, now) {
      return database.transaction().execute(async (transaction) => {
        if (!(await countEncryption(transaction, secret))) return false
        const { dataKeyId, ciphertext } = secret
        await transaction
          .insertInto('secrets')
          .values({
            project_id: secret.projectId,
            owner_kind: secret.ownerKind,
            owner_id: secret.ownerId,
            field: secret.field,
            data_key_id: dataKeyId,
            ciphertext,
            created_at: now,
            updated_at: now,
          })
          .onConflict((conflict) =>
            conflict
              .columns(['project_id', 'owner_kind', 'owner_id', 'field'])
              .doUpdateSet({ data_key_id: dataKeyId, ciphertext, updated_at: now }),
          )
          .execute()
        return true
      })
    },

    replace(secret, was, now) {
      return database.transaction().execute(async (transaction) => {
        if (!(await countEncryption(transaction, secret))) return false
        const row = await transaction
          .updateTable('secrets')
          .set({ data_key_id: secret.dataKeyId, ciphertext: secret.ciphertext, updated_at: now })
          .where('project_id', '=', secret.projectId)
          .where('owner_kind', '=', secret.ownerKind)
          .where('owner_id', '=', secret.ownerId)
          .where('field', '=', secret.field)
          .where('ciphertext', '=', was)
          .returning('field')
          .executeTakeFirst()
        return row !== undefined
      })
    },

    async find({ projectId, ownerKind, ownerId, field }) {
      const row = await database
        .selectFrom('secrets')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('owner_kind', '=', ownerKind)
        .where('owner_id', '=', ownerId)
        .where('field', '=', field)
        .executeTakeFirst()
      return row && toSecret(row)
    },

    async removeOwner(projectId, ownerKind, ownerId) {
      await database
        .deleteFrom('secrets')
        .where('project_id', '=', projectId)
        .where('owner_kind', '=', ownerKind)
        .where('owner_id', '=', ownerId)
        .execute()
    },

    async removeOfEndedKeys(now) {
      await database
        .deleteFrom('secrets')
        .where('owner_kind', '=', 'key')
        .where(({ exists, selectFrom }) =>
          exists(
            selectFrom('keys')
              .select('keys.id')
              .whereRef('keys.project_id', '=', 'secrets.project_id')
              .whereRef('keys.id', '=', 'secrets.owner_id')
              .where(({ or, eb }) => or([eb('keys.revoked_at', 'is not', null), eb('keys.expires_at', '<=', now)])),
          ),
        )
        .execute()
    },

    async listByDataKey(projectId, dataKeyId, limit, after) {
      let query = database
        .selectFrom('secrets')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('data_key_id', '=', dataKeyId)
      if (after) {
        const { ownerKind, ownerId, field } = after
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(
            refTuple('owner_kind', 'owner_id', 'field'),
            '>',
            tuple<string, string, string>(ownerKind, ownerId, field),
          ),
        )
      }
      const rows = await query.orderBy('owner_kind').orderBy('owner_id').orderBy('field').limit(limit).execute()
      return rows.map(toSecret)
    },
  }
}

/**
 * Counts one encryption with a key that is in use; false for any other key. First in its transaction, because it takes
 * the key's row: the key cannot be retired and deleted between this and the commit.
 */
async function countEncryption(transaction: Transaction<Database>, secret: StoredSecret): Promise<boolean> {
  const row = await transaction
    .updateTable('data_keys')
    .set(({ eb }) => ({ encryptions: eb('encryptions', '+', 1) }))
    .where('project_id', '=', secret.projectId)
    .where('id', '=', secret.dataKeyId)
    .where('retired_at', 'is', null)
    .where('encryptions', '<', maxEncryptions)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

function toSecret(row: SecretTable): StoredSecret {
  return {
    projectId: row.project_id,
    ownerKind: row.owner_kind as SecretOwner,
    ownerId: row.owner_id,
    field: row.field,
    dataKeyId: row.data_key_id,
    ciphertext: row.ciphertext,
  }
}
