import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

/**
 * Calls that survive the server. No foreign keys: each would be looked up for every row of the hot path, and the writer
 * checks data keys once for all rows of a batch. Indexes hold those rows only that somebody looks for, few of thousands.
 */
export async function createDurableTables(database: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const { schema } = database
  await schema.alterTable('toolkits').addColumn('endpoint_url', text).execute()

  await schema
    .createTable('durable_calls')
    .addColumn('id', text, (column) => column.notNull().primaryKey())
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('key_id', text, (column) => column.notNull())
    .addColumn('toolkit_id', text, (column) => column.notNull())
    .addColumn('tool', text, (column) => column.notNull())
    .addColumn('delivery', text, (column) => column.notNull())
    .addColumn('idempotent', 'integer', (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('deliveries', 'integer', (column) => column.notNull())
    .addColumn('lease_id', text)
    .addColumn('lease_until', 'bigint')
    .addColumn('deadline_at', 'bigint', (column) => column.notNull())
    .addColumn('timeout_ms', 'bigint', (column) => column.notNull())
    .addColumn('data_key_id', text, (column) => column.notNull())
    .addColumn('request', text, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('retried_as', text)
    .execute()
  await schema
    .createIndex('durable_calls_queued')
    .on('durable_calls')
    .columns(['toolkit_id', 'id'])
    .where(sql<boolean>`state = 'queued'`)
    .execute()
  await schema
    .createIndex('durable_calls_unfinished')
    .on('durable_calls')
    .column('id')
    .where(sql<boolean>`state not in ('ended', 'dead')`)
    .execute()
  await schema
    .createIndex('durable_calls_dead')
    .on('durable_calls')
    .columns(['project_id', 'id'])
    .where(sql<boolean>`state = 'dead'`)
    .execute()
  await schema
    .createIndex('durable_calls_dead_age')
    .on('durable_calls')
    .column('created_at')
    .where(sql<boolean>`state = 'dead'`)
    .execute()

  await schema
    .createTable('call_outcomes')
    // The one outcome of a call: whoever writes it second fails here (rules D6, X2).
    .addColumn('call_id', text, (column) => column.notNull().primaryKey())
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('error_code', text)
    .addColumn('data_key_id', text, (column) => column.notNull())
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('ended_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
  // One index answers both what is past its time and whether a data key is still needed.
  await schema.createIndex('call_outcomes_purge').on('call_outcomes').columns(['data_key_id', 'expires_at']).execute()

  await schema
    .createTable('idempotency_claims')
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('key_id', text, (column) => column.notNull())
    .addColumn('external_user_id', text, (column) => column.notNull())
    .addColumn('key_hash', text, (column) => column.notNull())
    .addColumn('call_id', text, (column) => column.notNull())
    .addColumn('fingerprint', text, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_claims_primary', ['project_id', 'key_id', 'external_user_id', 'key_hash'])
    .execute()
  await schema.createIndex('idempotency_claims_call').on('idempotency_claims').column('call_id').execute()
  await schema.createIndex('idempotency_claims_expired').on('idempotency_claims').column('expires_at').execute()
}
