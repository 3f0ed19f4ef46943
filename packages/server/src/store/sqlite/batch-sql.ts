import { sql } from 'kysely'
import type { BatchSql } from '../kysely/batch-sql.ts'

/** On SQLite a list is one JSON text. Transactions take the write lock when they begin, so there are no row locks. */
export const sqliteBatchSql: BatchSql = {
  table(alias, columns, rows) {
    const values = Object.keys(columns).map((name, index) => sql`value ->> ${sql.lit(index)} as ${sql.ref(name)}`)
    return sql`(select ${sql.join(values)} from json_each(${JSON.stringify(rows)})) as ${sql.ref(alias)}`
  },

  among: (values) => sql`in (select value from json_each(${JSON.stringify(values)}))`,

  locks: { update: sql``, updateSkipLocked: sql``, share: sql`` },
}
