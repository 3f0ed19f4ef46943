import { DatabaseSync } from 'node:sqlite'
import { silentLogger } from '@atp/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openSqliteStore } from '../../../src/store/sqlite.ts'
import { temporaryFolder } from '../temporary-folder.ts'

it('waits for the disk before it acknowledges, except in the call log', async () => {
  const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
  onTestFinished(() => exec.mockRestore())
  const store = await openSqliteStore({ folder: await temporaryFolder(), serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  const connections = new Set(exec.mock.contexts as DatabaseSync[])
  const settings = [...connections].map((connection) => ({
    file: connection.location()?.replace(/^.*\//, ''),
    ...connection.prepare('pragma synchronous').get(),
    ...connection.prepare('pragma journal_mode').get(),
  }))
  // 2 is FULL, 1 is NORMAL: https://sqlite.org/pragma.html#pragma_synchronous
  expect(settings.filter(({ file }) => file === 'atp.sqlite')).toEqual([
    { file: 'atp.sqlite', synchronous: 2, journal_mode: 'wal' },
  ])
  expect(settings.filter(({ file }) => file === 'calls.sqlite')).toEqual([
    { file: 'calls.sqlite', synchronous: 1, journal_mode: 'wal' },
  ])
})
