import { DatabaseSync } from 'node:sqlite'
import { CompiledQuery, Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { NodeSqliteDialect } from '../../../src/store/sqlite/node-sqlite-dialect.ts'

const large = 'x'.repeat(100_000)

/** A database that has no room for anything large. */
function fullDatabase(): Kysely<unknown> {
  const file = new DatabaseSync(':memory:')
  file.exec('create table kept (text text)')
  file.exec('pragma max_page_count = 4')
  return new Kysely({ dialect: new NodeSqliteDialect(file) })
}

const insert = CompiledQuery.raw('insert into kept values (?)', [large])

it('a full disk makes the store unavailable, in a transaction and outside of one, and not for good', async () => {
  const database = fullDatabase()
  const unavailable = { code: 'store_unavailable', retryable: true }
  await expect(database.executeQuery(insert)).rejects.toMatchObject(unavailable)
  const inTransaction = database.transaction().execute((transaction) => transaction.executeQuery(insert))
  await expect(inTransaction).rejects.toMatchObject(unavailable)
  const { rows } = await database.executeQuery(CompiledQuery.raw('select count(*) as kept from kept'))
  expect(rows).toEqual([{ kept: 0 }])
  await database.executeQuery(CompiledQuery.raw('pragma max_page_count = 4000'))
  await database.executeQuery(insert)
  await database.destroy()
})

it('a statement that is wrong is told as it is', async () => {
  const database = fullDatabase()
  await expect(database.executeQuery(CompiledQuery.raw('select missing from nowhere'))).rejects.toThrow('no such table')
  await database.destroy()
})
