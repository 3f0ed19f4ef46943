import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isAtpError, type Logger, silentLogger } from '@atp/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKeyService } from '../../src/keys/key-service.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { runFixture } from './fixtures/run-fixture.ts'
import { describeStore } from './store-contract.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** For tests that start processes, which takes seconds on a busy machine. */
const inProcesses = { timeout: 60_000 }

async function openIn(folder: string, { serve = false, logger = silentLogger as Logger } = {}): Promise<Store> {
  const store = await openSqliteStore({ folder, serve, logger })
  onTestFinished(() => store.close())
  return store
}

/** Why a folder was refused. */
async function refusalOf(opening: Promise<Store>): Promise<{ code: string; message: string }> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAtpError(error)) throw new Error(`not refused with an AtpError: ${String(error)}`)
  return { code: error.code, message: error.message }
}

describeStore('SQLite', async () => {
  const folder = await temporaryFolder()
  const store = await openIn(folder, { serve: true })
  const second = await openIn(folder)
  return { store, second, close: async () => {} }
})

describe('SQLite data folder', () => {
  it('is made with its parents, for its owner only, and so is every file in it', async () => {
    const folder = join(await temporaryFolder(), 'deep', 'data')
    const store = await openIn(folder, { serve: true })
    await store.projects.ensure('default', 1)
    const files = await readdir(folder)
    expect(files).toEqual(expect.arrayContaining(['atp.sqlite', 'atp.sqlite-wal', 'calls.sqlite', 'server.lock']))
    const modes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).mode & 0o777))
    expect(new Set(modes)).toEqual(new Set([0o600]))
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('keeps everything over a restart', async () => {
    const folder = await temporaryFolder()
    const first = await openIn(folder, { serve: true })
    const project = await first.projects.ensure('default', 1)
    const { key } = await createKeyService({ store: first }).create({
      projectId: project.id,
      kind: 'toolkit',
      name: 'weather',
    })
    const before = [await first.keys.list(project.id), await first.toolkits.list(project.id)]
    await first.close()

    const again = await openIn(folder, { serve: true })
    expect(await again.projects.ensure('default', 2)).toEqual(project)
    expect([await again.keys.list(project.id), await again.toolkits.list(project.id)]).toEqual(before)
    await createKeyService({ store: again }).authenticate(key, ['toolkit'])
  })

  it('reports the steps of a migration once', async () => {
    const folder = await temporaryFolder()
    const events: string[] = []
    const logger = { ...silentLogger, info: (event: string) => void events.push(event) }
    await openIn(folder, { logger })
    expect(events).toEqual(['store.migrated', 'store.migrated'])
    await openIn(folder, { logger })
    expect(events).toHaveLength(2)
  })

  it('is made once by handles that open it at the same time in one process', async () => {
    const folder = await temporaryFolder()
    const stores = await Promise.all([openIn(folder), openIn(folder), openIn(folder)])
    const projects = await Promise.all(stores.map((store) => store.projects.ensure('default', 1)))
    expect(new Set(projects.map(({ id }) => id)).size).toBe(1)
  })

  it('is made once by processes that open it at the same time', inProcesses, async () => {
    const folder = await temporaryFolder()
    const running = Array.from({ length: 4 }, () => runFixture('open-folder', folder))
    const ids = await Promise.all(running.map(async ({ lines }) => (await once(lines, 'line'))[0]))
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(running.map(() => ({ code: 0, stderr: '' })))
    expect(new Set(ids).size).toBe(1)
  })

  it('waits for another process that is making it', async () => {
    const folder = await temporaryFolder()
    const other = new DatabaseSync(join(folder, 'atp.sqlite'))
    onTestFinished(() => other.close())
    other.exec('begin exclusive')
    const opening = openIn(folder)
    const turn = new Promise((resolve) => setImmediate(resolve, 'the event loop turns'))
    expect(await Promise.race([opening, turn])).toBe('the event loop turns')
    other.exec('commit')
    expect(await (await opening).projects.ensure('default', 1)).toMatchObject({ name: 'default' })
  })

  it('waits for a change of another handle without stopping the process', async () => {
    const folder = await temporaryFolder()
    const store = await openIn(folder)
    const other = new DatabaseSync(join(folder, 'atp.sqlite'))
    onTestFinished(() => other.close())
    other.exec('begin immediate')
    const waiting = store.projects.ensure('default', 1)
    const turn = new Promise((resolve) => setImmediate(resolve, 'the event loop turns'))
    expect(await Promise.race([waiting, turn])).toBe('the event loop turns')
    other.exec('commit')
    expect(await waiting).toMatchObject({ name: 'default' })
  })
})

describe('SQLite data folder of a server', () => {
  it('is refused to a second server, and named', async () => {
    const folder = await temporaryFolder()
    await openIn(folder, { serve: true })
    const { code, message } = await refusalOf(openIn(folder, { serve: true }))
    expect(code).toBe('data_folder_in_use')
    expect(message).toContain(`"${folder}"`)
    expect(message).toContain('--data')
  })

  it('stays taken after others in the same process opened and closed it', inProcesses, async () => {
    const folder = await temporaryFolder()
    await openIn(folder, { serve: true })
    await refusalOf(openIn(folder, { serve: true }))
    await (await openIn(folder)).close()
    // Only another process can tell: within one, SQLite itself remembers the lock.
    const { code, stderr } = await runFixture('hold-folder', folder).ended
    expect(code).toBe(1)
    expect(stderr).toContain('data_folder_in_use')
  })

  it('is shared with commands that do not serve', async () => {
    const folder = await temporaryFolder()
    const server = await openIn(folder, { serve: true })
    const command = await openIn(folder)
    const project = await server.projects.ensure('default', 1)
    await createKeyService({ store: command }).create({ projectId: project.id, kind: 'admin' })
    expect(await server.keys.list(project.id)).toHaveLength(1)
  })

  it('is free once the server closed it, or could not open it', async () => {
    const folder = await temporaryFolder()
    await (await openIn(folder, { serve: true })).close()
    await mkdir(join(folder, 'broken'))
    await writeFile(join(folder, 'broken', 'calls.sqlite'), 'not a database'.repeat(100))
    await refusalOf(openIn(join(folder, 'broken'), { serve: true }))
    const { code } = await refusalOf(openIn(join(folder, 'broken'), { serve: true }))
    expect(code).toBe('data_folder_unusable')
    await openIn(folder, { serve: true })
  })

  it('is free after the server was killed', inProcesses, async () => {
    const folder = await temporaryFolder()
    const server = runFixture('hold-folder', folder)
    expect(await once(server.lines, 'line')).toEqual(['ready'])
    expect((await refusalOf(openIn(folder, { serve: true }))).code).toBe('data_folder_in_use')
    await server.kill()
    await openIn(folder, { serve: true })
  })

  it('has lost nothing acknowledged when the server is killed while it writes', inProcesses, async () => {
    const folder = await temporaryFolder()
    for (let round = 0; round < 3; round += 1) {
      const acknowledged: string[][] = []
      const server = runFixture('write-keys', folder)
      for await (const line of server.lines) {
        acknowledged.push(line.split(' '))
        if (acknowledged.length === 100) break
      }
      await server.kill()

      const store = await openIn(folder, { serve: true })
      const project = await store.projects.ensure('default', 1)
      const toolkit = await store.toolkits.ensure(project.id, 'weather', 1)
      const kept = {
        key: new Set((await store.keys.list(project.id)).map(({ id }) => id)),
        tool: new Set((await store.toolkits.tools(project.id, toolkit.id)).map(({ name }) => name)),
        call: new Set((await store.calls.list(project.id, { limit: 500 })).calls.map(({ id }) => id)),
        waiting: new Set((await store.durable.unfinished(1_000)).map(({ id }) => id)),
        ended: new Set<string>(),
      }
      for (const [kind, id = ''] of acknowledged) {
        if (kind === 'ended' && (await store.durable.outcome(project.id, id))) kept.ended.add(id)
      }
      expect(acknowledged.filter(([kind, id]) => !kept[kind as keyof typeof kept].has(id ?? ''))).toEqual([])
      await store.close()
      for (const file of ['atp.sqlite', 'calls.sqlite']) {
        const database = new DatabaseSync(join(folder, file))
        expect(database.prepare('pragma integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
        database.close()
      }
    }
  })
})

describe('SQLite data folder that cannot be used', () => {
  it.each(['atp.sqlite', 'calls.sqlite'])('says both versions when %s is from a newer version', async (file) => {
    const folder = await temporaryFolder()
    await (await openIn(folder)).close()
    const database = new DatabaseSync(join(folder, file))
    const table = file === 'atp.sqlite' ? 'migrations' : 'call_migrations'
    database.exec(`insert into ${table} values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')`)
    database.close()
    const { code, message } = await refusalOf(openIn(folder))
    expect(code).toBe('database_too_new')
    expect(message).toContain('"9999-from-the-future"')
    expect(message).toMatch(/knows versions up to "000.*upgrade/)
  })

  it('is named when a file is in its place', async () => {
    const path = join(await temporaryFolder(), 'data')
    await writeFile(path, '')
    const { code, message } = await refusalOf(openIn(path))
    expect(code).toBe('data_folder_unusable')
    expect(message).toContain(`"${path}" cannot be used: a file is where a folder should be`)
  })

  it('is named when a file is in the place of its parent', async () => {
    const path = '/dev/null/data'
    const { code, message } = await refusalOf(openIn(path))
    expect(code).toBe('data_folder_unusable')
    expect(message).toContain(`"${path}" cannot be used: a file is where a folder should be`)
  })

  it('is named when its parent takes no new folders', async () => {
    // Refused to everybody, the superuser too, which the permissions of a folder are not.
    const path = '/proc/data'
    const { code, message } = await refusalOf(openIn(path))
    expect(code).toBe('data_folder_unusable')
    expect(message).toContain(`"${path}" cannot be used: `)
  })

  it.each(['atp.sqlite', 'calls.sqlite', 'server.lock'])('is named when %s is a folder', async (file) => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, file))
    const { code, message } = await refusalOf(openIn(folder, { serve: true }))
    expect(code).toBe('data_folder_unusable')
    expect(message).toContain(folder)
  })

  it.each(['atp.sqlite', 'calls.sqlite', 'server.lock'])(
    'says that %s is not a database, and leaves it',
    async (file) => {
      const folder = await temporaryFolder()
      const text = 'This is not a database. '.repeat(100)
      await writeFile(join(folder, file), text)
      const { code, message } = await refusalOf(openIn(folder, { serve: true }))
      expect(code).toBe('data_folder_unusable')
      expect(message).toContain(`"${folder}" cannot be used: ${file}: file is not a database`)
      expect((await stat(join(folder, file))).size).toBe(text.length)
    },
  )
})

describe('SQLite call log', () => {
  it('reads the calls of a project from an index, without sorting', async () => {
    const folder = await temporaryFolder()
    await (await openIn(folder)).close()
    const database = new DatabaseSync(join(folder, 'calls.sqlite'))
    onTestFinished(() => database.close())
    const planOf = (where: string): string =>
      database
        .prepare(`explain query plan select * from calls where ${where} order by id desc limit 50`)
        .all()
        .map((row) => row.detail)
        .join('; ')
    expect(planOf("project_id = 'p' and id < 'i'")).toMatch(
      /^SEARCH calls USING INDEX \S+ \(project_id=\? AND id<\?\)$/,
    )
  })
})
