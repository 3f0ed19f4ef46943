import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { SqliteToolRepository } from '../../src/sqlite.ts'
import { describeToolRepository } from '../contracts/index.ts'

const folders: string[] = []

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

describeToolRepository('in a file of SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'utcp-'))
  folders.push(folder)
  return new SqliteToolRepository({ file: join(folder, 'tools.sqlite') })
})
