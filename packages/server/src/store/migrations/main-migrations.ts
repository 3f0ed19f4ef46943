import type { Kysely } from 'kysely'
import type { MigrationSet } from './run-migrations.ts'

/** Projects, keys, toolkits and tools. */
export const mainMigrations: MigrationSet = {
  title: 'main',
  table: 'migrations',
  steps: { '0001-projects-keys-toolkits': { up: createFirstTables } },
}

async function createFirstTables(database: Kysely<unknown>): Promise<void> {
  const { schema } = database
  await schema
    .createTable('projects')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()

  await schema
    .createTable('toolkits')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
    .addColumn('app_name', 'text', (column) => column.notNull())
    .addColumn('slug', 'text', (column) => column.notNull())
    .addColumn('caption', 'text', (column) => column.notNull())
    .addColumn('instructions', 'text')
    .addColumn('hash', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('toolkits_app_name', ['project_id', 'app_name'])
    .addUniqueConstraint('toolkits_slug', ['project_id', 'slug'])
    // What the foreign keys below refer to: a row of one project can never point to a toolkit of another.
    .addUniqueConstraint('toolkits_project', ['project_id', 'id'])
    .execute()

  await schema
    .createTable('tools')
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('toolkit_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('descriptor', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('tools_primary', ['toolkit_id', 'name'])
    .addForeignKeyConstraint('tools_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()

  await schema
    .createTable('keys')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('toolkit_id', 'text')
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addForeignKeyConstraint('keys_toolkit', ['project_id', 'toolkit_id'], 'toolkits', ['project_id', 'id'])
    .execute()

  await schema.createIndex('keys_newest').on('keys').columns(['project_id', 'created_at']).execute()
  await schema.createIndex('keys_revoked').on('keys').column('revoked_at').execute()
}
