import type { Kysely } from 'kysely'
import type { ColumnTypes } from './column-types.ts'
import type { MigrationSet } from './run-migrations.ts'

/** The call log, in a set of its own because SQLite keeps it in a file of its own. */
export function createCallMigrations(types: ColumnTypes): MigrationSet {
  return {
    title: 'call log',
    table: 'call_migrations',
    steps: { '0001-calls': { up: (database) => createCalls(database, types) } },
  }
}

async function createCalls(database: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await database.schema
    .createTable('calls')
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('project_id', text, (column) => column.notNull())
    .addColumn('key_id', text, (column) => column.notNull())
    .addColumn('toolkit_id', text, (column) => column.notNull())
    .addColumn('toolkit_name', text, (column) => column.notNull())
    .addColumn('tool', text, (column) => column.notNull())
    .addColumn('delivery', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('error_code', text)
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('duration_ms', 'double precision', (column) => column.notNull())
    // Finds one call and, read backwards, lists the newest. A second index would double what a call costs to write;
    // filters look at a bounded number of calls instead.
    .addPrimaryKeyConstraint('calls_primary', ['project_id', 'id'])
    .execute()
}
