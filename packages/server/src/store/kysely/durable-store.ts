import type { Kysely } from 'kysely'
import type { DurableStore } from '../durable-store.ts'
import type { BatchSql } from './batch-sql.ts'
import type { Database } from './database.ts'
import { finishCalls } from './durable-finish.ts'
import { insertCalls, userColumn } from './durable-insert.ts'
import { ackCalls, leaseCalls, releaseCalls } from './durable-leases.ts'
import { purgeClaims, purgeDataKeys, purgeDead, purgeOutcomes } from './durable-purge.ts'
import { type DurableDatabase, isDead, isUnfinished, toOutcome, toStoredCall } from './durable-rows.ts'
import { writeChanges } from './durable-write.ts'

/**
 * Calls that survive the server, on any database Kysely speaks to.
 *
 * Obligation of the database: a commit waits for the disk (rule D1). SQLite's main file is set to `synchronous=FULL`;
 * every PostgreSQL session of ours sets `synchronous_commit` to `on` where it is off.
 */
export function createDurableStore(database: Kysely<Database>, batch: BatchSql): DurableStore {
  function inTransaction<T>(work: (durable: DurableDatabase) => Promise<T>): Promise<T> {
    return database.transaction().execute((transaction) => work({ database: transaction, batch }))
  }

  const callsOf = (projectId: string) => database.selectFrom('durable_calls').where('project_id', '=', projectId)

  return {
    insert: async (calls) => (calls.length === 0 ? [] : inTransaction((durable) => insertCalls(durable, calls))),
    lease: (request) => leaseCalls({ database, batch }, request),
    ack: async (acks, now) => (acks.length === 0 ? [] : inTransaction((durable) => ackCalls(durable, acks, now))),
    release: async (refs) => (refs.length === 0 ? [] : inTransaction((durable) => releaseCalls(durable, refs))),
    finish: async (outcomes) =>
      outcomes.length === 0 ? [] : inTransaction((durable) => finishCalls(durable, outcomes)),

    write: async (changes) => (changes.length === 0 ? [] : inTransaction((durable) => writeChanges(durable, changes))),

    async claimHolder(of, claim, now) {
      const row = await database
        .selectFrom('idempotency_claims')
        .select(['call_id', 'fingerprint'])
        .where('project_id', '=', of.projectId)
        .where('key_id', '=', of.keyId)
        .where('external_user_id', '=', userColumn(claim))
        .where('key_hash', '=', claim.keyHash)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row && { callId: row.call_id, fingerprint: row.fingerprint }
    },

    async find(projectId, callId) {
      const row = await callsOf(projectId).selectAll().where('id', '=', callId).executeTakeFirst()
      return row && toStoredCall(row)
    },

    async outcome(projectId, callId) {
      const row = await database
        .selectFrom('call_outcomes')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('call_id', '=', callId)
        .executeTakeFirst()
      return row && toOutcome(row)
    },

    async unfinished(limit, afterId = '') {
      const rows = await database
        .selectFrom('durable_calls')
        .selectAll()
        .where(isUnfinished)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(toStoredCall)
    },

    async inboxDepths() {
      const rows = await database
        .selectFrom('durable_calls')
        .select(({ fn }) => ['toolkit_id', fn.countAll<number | string>().as('depth')])
        .where(isUnfinished)
        .where('delivery', '=', 'inbox')
        .groupBy('toolkit_id')
        .execute()
      return new Map(rows.map((row) => [row.toolkit_id, Number(row.depth)]))
    },

    async dead(projectId, limit, before) {
      let query = callsOf(projectId).selectAll().where(isDead)
      if (before !== undefined) query = query.where('id', '<', before)
      const rows = await query.orderBy('id', 'desc').limit(limit).execute()
      return rows.map(toStoredCall)
    },

    async markRetried(projectId, callId, retriedAs) {
      const row = await database
        .updateTable('durable_calls')
        .set({ retried_as: retriedAs })
        .where('project_id', '=', projectId)
        .where('id', '=', callId)
        .where(isDead)
        .where('retried_as', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async dropDead(projectId, callId) {
      const row = await database
        .deleteFrom('durable_calls')
        .where('project_id', '=', projectId)
        .where('id', '=', callId)
        .where(isDead)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async purge(now, deadBefore, limit) {
      const outcomes = await inTransaction((durable) => purgeOutcomes(durable, now, limit))
      const claims = await inTransaction((durable) => purgeClaims(durable, now, limit))
      const dead = await inTransaction((durable) => purgeDead(durable, deadBefore, limit))
      const calls = outcomes + claims + dead
      return calls === 0 ? 0 : calls + (await purgeDataKeys({ database, batch }))
    },
  }
}
