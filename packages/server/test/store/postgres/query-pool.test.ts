import { Kysely, PostgresDialect, sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { parseDatabaseUrl } from '../../../src/store/postgres/database-url.ts'
import { QueryPool } from '../../../src/store/postgres/query-pool.ts'
import { sessionSql } from '../../../src/store/postgres/session.ts'
import { connectTo, describePostgres, emptySchema } from '../../support/postgres.ts'

const unavailable = { code: 'store_unavailable' }

function poolOf(options: { poolSize?: number; queryTimeoutMs?: number; statementTimeoutMs?: number } = {}) {
  const { poolSize = 1, queryTimeoutMs = 20_000, statementTimeoutMs = 0 } = options
  const url = emptySchema({ pool_size: String(poolSize) })
  const address = parseDatabaseUrl(url)
  const session = sessionSql({ schema: address.schema, name: `test ${address.schema}`, statementTimeoutMs })
  const pool = new QueryPool({ address, sessionSql: session, acquireTimeoutMs: 10_000, queryTimeoutMs })
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  onTestFinished(() => pool.end())
  const pid = async (): Promise<number> => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database)
    return rows[0]?.pid ?? 0
  }
  const hang = (): Promise<unknown> => sql`select pg_sleep(60)`.execute(database)
  /** Resolves when that many statements hang. */
  const hanging = async (count: number): Promise<void> => {
    const client = await connectTo(url)
    const text =
      "select count(*)::int as n from pg_stat_activity where application_name = $1 and wait_event = 'PgSleep'"
    await expect
      .poll(async () => (await client.query(text, [`test ${address.schema}`])).rows[0].n, { timeout: 10_000 })
      .toBe(count)
  }
  return { pool, database, pid, hang, hanging }
}

describePostgres('the pool of connections', () => {
  it('ends what runs and what waits for a connection at once when it is cut, and refuses what comes', async () => {
    const { pool, pid, hang, hanging } = poolOf()
    const running = expect(hang()).rejects.toMatchObject(unavailable)
    await hanging(1)
    const waiting = expect(pid()).rejects.toMatchObject(unavailable)
    const cutAt = performance.now()
    pool.cut()
    await running
    await waiting
    await expect(pid()).rejects.toMatchObject(unavailable)
    expect(performance.now() - cutAt).toBeLessThan(1_000)
    pool.restore()
    expect(await pid()).toBeGreaterThan(0)
  })

  it('gives up a statement that is not answered in time, and its connection', async () => {
    const { pid, hang } = poolOf({ queryTimeoutMs: 200 })
    const before = await pid()
    await expect(hang()).rejects.toMatchObject(unavailable)
    expect(await pid()).not.toBe(before)
  })

  it('keeps the connection of a statement that the database itself gave up', async () => {
    const { pid, hang } = poolOf({ statementTimeoutMs: 100 })
    const before = await pid()
    await expect(hang()).rejects.toMatchObject(unavailable)
    expect(await pid()).toBe(before)
  })

  it('gives a connection back whose transaction failed, and loses one that broke in it', async () => {
    const { pool, database, pid } = poolOf()
    const before = await pid()
    const failing = database.transaction().execute((transaction) => sql`select 1 / 0`.execute(transaction))
    await expect(failing).rejects.toThrow('division by zero')
    expect(await pid()).toBe(before)
    const breaking = database.transaction().execute(async (transaction) => {
      await sql`select pg_terminate_backend(pg_backend_pid())`.execute(transaction)
    })
    await expect(breaking).rejects.toMatchObject(unavailable)
    expect(await pid()).not.toBe(before)
    await pool.end()
  })

  it('has no more connections than it may, and queries wait their turn', async () => {
    const { pid } = poolOf({ poolSize: 2 })
    const pids = await Promise.all(Array.from({ length: 50 }, pid))
    expect(new Set(pids).size).toBeLessThanOrEqual(2)
  })

  it('ends twice without complaint, and then refuses', async () => {
    const { pool, pid } = poolOf()
    await pid()
    await pool.end()
    await pool.end()
    await expect(pid()).rejects.toMatchObject(unavailable)
  })

  it('does not wait for ever for a statement that hangs when it ends', { timeout: 10_000 }, async () => {
    const { pool, hang, hanging } = poolOf()
    const running = expect(hang()).rejects.toMatchObject(unavailable)
    await hanging(1)
    await pool.end()
    await running
  })
})
