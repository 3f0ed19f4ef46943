import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'
import { createDurableTables } from './durable-tables.ts'
import type { MigrationSet } from './run-migrations.ts'

/** Projects, keys, toolkits and tools; the vault; what older clients register; calls that survive the server. */
export function createMainMigrations(types: ColumnTypes): MigrationSet {
  return {
    title: 'main',
    table: 'migrations',
    steps: {
      '0001-projects-keys-toolkits': { up: (database) => createFirstTables(database, types) },
      '0002-vault': { up: (database) => createVaultTables(database, types) },
      '0003-legacy-registrations': { up: (database) => createLegacyTables(database, types) },
      '0004-durable-calls': { up: (database) => createDurableTables(database, types) },
    },
  }
}

async function createFirstTables(database: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const { schema } = database
  await schema
    .createTable('projects')
    .addColumn('id', text, (column) => column.notNull().primaryKey())
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()

  await schema
    .createTable('toolkits')
    .addColumn('id', text, (column) => column.notNull().primaryKey())
    .addColumn('project_id', text, (column) => column.notNull().references('projects.id'))
    .addColumn('app_name', text, (column) => column.notNull())
    .addColumn('slug', text, (column) => column.notNull())
    .addColumn('caption', text, (column) => column.notNull())
    .addColumn('instructions', text)
    .addColumn('hash', text)
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('toolkits_app_name', ['project_id', 'app_name'])
    .addUniqueConstraint('toolkits_slug', ['project_id', 'slug'])
    // What the foreign keys below refer to: a row of one project can never point to a toolkit of another.
    .addUniqueConstraint('toolkits_project', ['project_id', 'id'])
    .execute()

  await schema
    .createTable('tools')
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('toolkit_id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('descriptor', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('tools_primary', ['toolkit_id', 'name'])
    .addForeignKeyConstraint('tools_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()

  await schema
    .createTable('keys')
    .addColumn('id', text, (column) => column.notNull().primaryKey())
    .addColumn('project_id', text, (column) => column.notNull().references('projects.id'))
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('toolkit_id', text)
    .addColumn('hash', text, (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addForeignKeyConstraint('keys_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()

  await schema.createIndex('keys_newest').on('keys').columns(['project_id', 'created_at']).execute()
  await schema.createIndex('keys_revoked').on('keys').column('revoked_at').execute()
}

async function createVaultTables(database: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const { schema } = database
  await schema
    .createTable('data_keys')
    .addColumn('project_id', text, (column) => column.notNull().references('projects.id'))
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('master_key_id', text, (column) => column.notNull())
    .addColumn('wrapped', text, (column) => column.notNull())
    .addColumn('encryptions', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('retired_at', 'bigint')
    .addPrimaryKeyConstraint('data_keys_primary', ['project_id', 'id'])
    .execute()
  // Of two processes that make a project's first key at once, one has to lose.
  await schema
    .createIndex('data_keys_active')
    .unique()
    .on('data_keys')
    .column('project_id')
    .where(sql<boolean>`retired_at is null`)
    .execute()

  await schema
    .createTable('secrets')
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('owner_kind', text, (column) => column.notNull())
    .addColumn('owner_id', text, (column) => column.notNull())
    .addColumn('field', text, (column) => column.notNull())
    .addColumn('data_key_id', text, (column) => column.notNull())
    .addColumn('ciphertext', text, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('secrets_primary', ['project_id', 'owner_kind', 'owner_id', 'field'])
    .addForeignKeyConstraint('secrets_data_key', ['project_id', 'data_key_id'], 'data_keys', ['project_id', 'id'])
    .execute()
  await schema.createIndex('secrets_data_key').on('secrets').columns(['project_id', 'data_key_id']).execute()
}

async function createLegacyTables(database: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const { schema } = database
  await schema.alterTable('toolkits').addColumn('published_at', 'bigint').execute()
  await schema.alterTable('tools').addColumn('code_hash', text).execute()

  await schema
    .createTable('toolkit_hashes')
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('toolkit_id', text, (column) => column.notNull())
    .addColumn('hash', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('toolkit_hashes_primary', ['toolkit_id', 'hash'])
    .addForeignKeyConstraint('toolkit_hashes_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()

  await schema
    .createTable('exchanges')
    .addColumn('hash', text, (column) => column.notNull().primaryKey())
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('toolkit_id', text, (column) => column.notNull())
    .addColumn('tool', text, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('exchanges_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()
  await schema.createIndex('exchanges_tool').on('exchanges').columns(['toolkit_id', 'tool', 'created_at']).execute()
}
