import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { sqliteCommits } from '../../src/systems/sqlite-commits.ts'

it('counts transactions that wrote, however much each of them wrote', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atp-bench-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = new DatabaseSync(join(folder, 'atp.sqlite'))
  onTestFinished(() => database.close())
  database.exec('pragma journal_mode=WAL; create table calls (id integer)')
  const before = await sqliteCommits(folder)
  database.exec('insert into calls values (1)')
  database.exec('begin; insert into calls values (2); insert into calls values (3); commit')
  database.exec('select * from calls')
  expect((await sqliteCommits(folder)) - before).toBe(2)
})
