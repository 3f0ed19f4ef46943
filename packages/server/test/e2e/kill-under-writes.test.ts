import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { connectTo, describePostgres, emptySchema } from '../support/postgres.ts'
import { killUnderWrites } from './kill-under-writes.ts'

const patience = { timeout: 180_000 }

// Spares every process the work of reading the same sources again.
const compiled = mkdtempSync(join(tmpdir(), 'atp-compiled-'))
process.env.NODE_COMPILE_CACHE = compiled
afterAll(() => rmSync(compiled, { recursive: true, force: true }))

// Both at once: each mostly waits for a process to start.
describe.concurrent('a server that is killed under writes, again and again, loses nothing acknowledged', () => {
  it('on SQLite', patience, async (test) => {
    const { dataDir } = await killUnderWrites(test)
    for (const file of ['atp.sqlite', 'calls.sqlite']) {
      const database = new DatabaseSync(join(dataDir, file))
      expect(database.prepare('pragma integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
      expect(database.prepare('pragma foreign_key_check').all()).toEqual([])
      database.close()
    }
  })

  describePostgres('with PostgreSQL', () => {
    it('on PostgreSQL', patience, async (test) => {
      const url = emptySchema()
      await killUnderWrites(test, url)
      const client = await connectTo(url, test)
      for (const table of ['projects', 'keys', 'toolkits', 'tools']) {
        // Read through their indexes and without them, the tables say the same.
        const [through, without] = [[], []] as [unknown[], unknown[]]
        for (const [setting, found] of [['seqscan', through] as const, ['indexscan', without] as const]) {
          await client.query(`begin; set local enable_bitmapscan = off; set local enable_${setting} = off`)
          found.push(...(await client.query(`select * from ${table} order by 1, 2, 3`)).rows)
          await client.query('commit')
        }
        expect(through).toEqual(without)
        expect(through.length).toBeGreaterThan(0)
      }
      const orphans = 'select name from tools where not exists (select from toolkits where toolkits.id = toolkit_id)'
      expect((await client.query(orphans)).rows).toEqual([])
    })
  })
})
