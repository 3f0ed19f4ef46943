import { AtpError } from '@atp/core'
import type { Kysely, Transaction } from 'kysely'
import { type LegacyRegistration, type LegacyStore, maxExchanges, maxLegacyTools } from '../legacy-store.ts'
import type { StoredToolkit } from '../store.ts'
import type { Database } from './database.ts'
import { lastPosition, toToolkit } from './toolkit-store.ts'

/** What older clients register, on any database Kysely speaks to. */
export function createLegacyStore(database: Kysely<Database>): LegacyStore {
  return {
    register(projectId, toolkitId, registration) {
      return database.transaction().execute((transaction) => register(transaction, projectId, toolkitId, registration))
    },

    async knowsToolkit(projectId, toolkitId, hash) {
      const row = await database
        .selectFrom('toolkit_hashes')
        .select('hash')
        .where('project_id', '=', projectId)
        .where('toolkit_id', '=', toolkitId)
        .where('hash', '=', hash)
        .executeTakeFirst()
      return row !== undefined
    },

    async forgetHashes(projectId, toolkitId) {
      await database
        .deleteFrom('toolkit_hashes')
        .where('project_id', '=', projectId)
        .where('toolkit_id', '=', toolkitId)
        .execute()
    },

    async codeHashes(projectId, toolkitId) {
      const rows = await database
        .selectFrom('tools')
        .select(['name', 'code_hash'])
        .where('project_id', '=', projectId)
        .where('toolkit_id', '=', toolkitId)
        .where('code_hash', 'is not', null)
        .execute()
      return new Map(rows.map((row) => [row.name, row.code_hash ?? '']))
    },

    async takeExchange(hash, tool) {
      const row = await database
        .deleteFrom('exchanges')
        .where('hash', '=', hash)
        .where('tool', '=', tool)
        .returningAll()
        .executeTakeFirst()
      return row && { projectId: row.project_id, toolkitId: row.toolkit_id }
    },
  }
}

async function register(
  transaction: Transaction<Database>,
  projectId: string,
  toolkitId: string,
  registration: LegacyRegistration,
): Promise<StoredToolkit | undefined> {
  // First of all, because it takes the row's lock. The hash of a newer client does not stand for this tool.
  const row = await transaction
    .updateTable('toolkits')
    .set({ hash: null, updated_at: registration.now })
    .where('project_id', '=', projectId)
    .where('id', '=', toolkitId)
    .returningAll()
    .executeTakeFirst()
  if (!row) return undefined
  if (await putTool(transaction, projectId, toolkitId, registration)) {
    await transaction.deleteFrom('toolkit_hashes').where('toolkit_id', '=', toolkitId).execute()
  }
  await putToolkitHash(transaction, projectId, toolkitId, registration)
  await putExchange(transaction, projectId, toolkitId, registration)
  return toToolkit(row)
}

/** Returns whether a tool that was there is another one now. */
async function putTool(
  transaction: Transaction<Database>,
  projectId: string,
  toolkitId: string,
  { tool, codeHash }: LegacyRegistration,
): Promise<boolean> {
  const before = await transaction
    .selectFrom('tools')
    .select(['descriptor', 'code_hash'])
    .where('toolkit_id', '=', toolkitId)
    .where('name', '=', tool.name)
    .executeTakeFirst()
  if (!before && (await countOf(transaction, 'tools', toolkitId)) >= maxLegacyTools) {
    throw new AtpError('invalid_request', `A toolkit may have ${maxLegacyTools} tools; this one has them already`)
  }
  const descriptor = JSON.stringify(tool)
  await transaction
    .insertInto('tools')
    .values({
      project_id: projectId,
      toolkit_id: toolkitId,
      name: tool.name,
      position: (await lastPosition(transaction, toolkitId)) + 1,
      descriptor,
      code_hash: codeHash,
    })
    .onConflict((conflict) => conflict.columns(['toolkit_id', 'name']).doUpdateSet({ descriptor, code_hash: codeHash }))
    .execute()
  return before !== undefined && (before.code_hash !== codeHash || before.descriptor !== descriptor)
}

async function putToolkitHash(
  transaction: Transaction<Database>,
  projectId: string,
  toolkitId: string,
  { toolkitHash }: LegacyRegistration,
): Promise<void> {
  if (toolkitHash === null) return
  // There is one for each tool and restart with more tools; a peer that makes them up must not fill the database.
  if ((await countOf(transaction, 'toolkit_hashes', toolkitId)) >= maxLegacyTools) {
    await transaction.deleteFrom('toolkit_hashes').where('toolkit_id', '=', toolkitId).execute()
  }
  await transaction
    .insertInto('toolkit_hashes')
    .values({ project_id: projectId, toolkit_id: toolkitId, hash: toolkitHash })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function putExchange(
  transaction: Transaction<Database>,
  projectId: string,
  toolkitId: string,
  { tool, exchangeHash, now }: LegacyRegistration,
): Promise<void> {
  await transaction
    .insertInto('exchanges')
    .values({ hash: exchangeHash, project_id: projectId, toolkit_id: toolkitId, tool: tool.name, created_at: now })
    .execute()
  const waiting = await transaction
    .selectFrom('exchanges')
    .select('hash')
    .where('toolkit_id', '=', toolkitId)
    .where('tool', '=', tool.name)
    .orderBy('created_at', 'desc')
    .orderBy('hash')
    .execute()
  const outdated = waiting
    .map(({ hash }) => hash)
    .filter((hash) => hash !== exchangeHash)
    .slice(maxExchanges - 1)
  for (const hash of outdated) await transaction.deleteFrom('exchanges').where('hash', '=', hash).execute()
}

async function countOf(
  transaction: Transaction<Database>,
  table: 'tools' | 'toolkit_hashes',
  toolkitId: string,
): Promise<number> {
  const row = await transaction
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('toolkit_id', '=', toolkitId)
    .executeTakeFirst()
  // PostgreSQL counts in bigint, which its driver gives as text.
  return Number(row?.count ?? 0)
}
