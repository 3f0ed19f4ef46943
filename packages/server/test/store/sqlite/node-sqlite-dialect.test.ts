import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import { NodeSqliteDialect } from '../../../src/store/sqlite/node-sqlite-dialect.ts'

interface Tables {
  notes: { id: number; text: string }
}

function openNotes(): { connection: DatabaseSync; database: Kysely<Tables> } {
  const connection = new DatabaseSync(':memory:')
  connection.exec('create table notes (id integer primary key, text text not null)')
  const database = new Kysely<Tables>({ dialect: new NodeSqliteDialect(connection) })
  onTestFinished(() => database.destroy())
  return { connection, database }
}

it('prepares a statement once, however often it runs', async () => {
  const { connection, database } = openNotes()
  const prepare = vi.spyOn(connection, 'prepare')
  for (let id = 1; id <= 5; id += 1)
    await database
      .insertInto('notes')
      .values({ id, text: `note ${id}` })
      .execute()
  expect(prepare).toHaveBeenCalledTimes(1)
  expect(await database.selectFrom('notes').select('text').where('id', '=', 4).execute()).toEqual([{ text: 'note 4' }])
})

it('keeps what was used last of very many different statements', async () => {
  const { connection, database } = openNotes()
  const count = () => sql`select count(*) from notes`.execute(database)
  const prepare = vi.spyOn(connection, 'prepare')
  for (let index = 0; index < 1_000; index += 1) {
    await count()
    await sql.raw(`select ${index}`).execute(database)
  }
  expect(prepare).toHaveBeenCalledTimes(1_001)
  await sql.raw('select 0').execute(database)
  expect(prepare).toHaveBeenCalledTimes(1_002)
})

it('says how many rows a change touched', async () => {
  const { database } = openNotes()
  await database
    .insertInto('notes')
    .values([
      { id: 1, text: 'a' },
      { id: 2, text: 'b' },
    ])
    .execute()
  const [result] = await database.updateTable('notes').set({ text: 'c' }).execute()
  expect(result?.numUpdatedRows).toBe(2n)
})

it('undoes a transaction that fails', async () => {
  const { database } = openNotes()
  const failing = database.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ id: 1, text: 'a' }).execute()
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')
  expect(await database.selectFrom('notes').selectAll().execute()).toEqual([])
})

it('keeps the reason when SQLite has already undone the transaction', async () => {
  const { database } = openNotes()
  const failing = database.transaction().execute(async (transaction) => {
    await sql`insert or rollback into notes values (1, null)`.execute(transaction)
  })
  await expect(failing).rejects.toThrow('NOT NULL constraint failed')
})

it('runs transactions that come at once one after the other', async () => {
  const { database } = openNotes()
  await Promise.all(
    Array.from({ length: 10 }, () =>
      database.transaction().execute(async (transaction) => {
        const { last } = await transaction
          .selectFrom('notes')
          .select((expression) => expression.fn.max('id').as('last'))
          .executeTakeFirstOrThrow()
        await transaction
          .insertInto('notes')
          .values({ id: (last ?? 0) + 1, text: '' })
          .execute()
      }),
    ),
  )
  expect(await database.selectFrom('notes').select('id').execute()).toHaveLength(10)
})

it('closes the connection when it is destroyed', async () => {
  const { connection, database } = openNotes()
  await database.selectFrom('notes').selectAll().execute()
  await database.destroy()
  expect(connection.isOpen).toBe(false)
})

it('refuses to stream', async () => {
  const { database } = openNotes()
  const reading = async (): Promise<void> => {
    for await (const _ of database.selectFrom('notes').selectAll().stream()) break
  }
  await expect(reading()).rejects.toThrow('Streaming is not supported')
})
