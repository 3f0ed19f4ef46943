import { sql } from 'kysely'
import type { BatchSql } from '../kysely/batch-sql.ts'

/** On PostgreSQL a list is an array for each column. */
export const postgresBatchSql: BatchSql = {
  table(alias, columns, rows) {
    const arrays = Object.values(columns).map(
      (type, index) => sql`${rows.map((row) => row[index])}::${sql.raw(type)}[]`,
    )
    const names = Object.keys(columns).map((name) => sql.ref(name))
    return sql`unnest(${sql.join(arrays)}) as ${sql.ref(alias)}(${sql.join(names)})`
  },

  among: (values) => sql`= any(${values}::text[])`,

  locks: {
    update: sql`for update`,
    updateSkipLocked: sql`for update skip locked`,
    share: sql`for share`,
  },
}
