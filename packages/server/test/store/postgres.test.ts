import { once } from 'node:events'
import { inspect } from 'node:util'
import { isAtpError, type Logger, silentLogger } from '@atp/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newId } from '../../src/keys/ids.ts'
import { createKeyService } from '../../src/keys/key-service.ts'
import { endSessionsSql, lockHolderSql, lockKey } from '../../src/store/postgres/locks.ts'
import { openPostgresStore, type PostgresStoreOptions } from '../../src/store/postgres.ts'
import type { Store } from '../../src/store/store.ts'
import { connectTo, describePostgres, emptySchema } from '../support/postgres.ts'
import { DurableRows } from './contract/durable-rows.ts'
import { runFixture } from './fixtures/run-fixture.ts'
import { describeStore } from './store-contract.ts'

/** For tests that start processes, which takes seconds on a busy machine. */
const inProcesses = { timeout: 60_000 }

async function openAt(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  const store = await openPostgresStore({ url, serve: false, logger: silentLogger, ...options })
  onTestFinished(() => store.close())
  return store
}

/** Why a database was refused. */
async function refusalOf(opening: Promise<Store>): Promise<{ code: string; message: string; whole: string }> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAtpError(error)) throw new Error(`not refused with an AtpError: ${String(error)}`)
  return { code: error.code, message: error.message, whole: inspect(error, { depth: 9, showHidden: true }) }
}

function schemaOf(url: string): string {
  return new URL(url).searchParams.get('schema') ?? ''
}

function withPassword(url: string, password: string): string {
  const changed = new URL(url)
  changed.password = password
  return changed.href
}

describePostgres('with PostgreSQL', () => {
  // One schema for all tests of the contract, emptied: making tables takes longer than most of them.
  let shared = ''
  describeStore('PostgreSQL', async () => {
    shared ||= emptySchema({ pool_size: '4' })
    const store = await openAt(shared, { serve: true })
    const second = await openAt(shared)
    await (await connectTo(shared)).query(emptyTables)
    return { store, second, close: async () => {} }
  })

  describe('a schema', () => {
    it('is made with its tables, which compare texts by their bytes and keep times as numbers', async () => {
      const url = emptySchema()
      const project = await (await openAt(url)).projects.ensure('default', 1_763_000_000_000)
      const { rows } = await (await connectTo(url)).query(
        `select table_name, column_name, data_type, collation_name from information_schema.columns
         where table_schema = current_schema() and table_name not like '%migrations%'`,
      )
      const texts = rows.filter((row) => row.data_type === 'text')
      expect(texts.length).toBeGreaterThan(20)
      expect(texts.filter((row) => row.collation_name !== 'C')).toEqual([])
      const times = rows.filter((row) => row.column_name.endsWith('_at'))
      expect(new Set(times.map((row) => row.data_type))).toEqual(new Set(['bigint']))
      expect(project.createdAt).toBe(1_763_000_000_000)
    })

    it('keeps everything when it is opened again', async () => {
      const url = emptySchema()
      const first = await openAt(url, { serve: true })
      const project = await first.projects.ensure('default', 1)
      const { key } = await createKeyService({ store: first }).create({ projectId: project.id, kind: 'llm' })
      await first.close()
      const again = await openAt(url, { serve: true })
      expect(await again.projects.ensure('default', 2)).toEqual(project)
      await createKeyService({ store: again }).authenticate(key, ['llm'])
    })

    it('lies beside others in one database, which several servers may serve', async () => {
      const [ours, theirs] = [emptySchema(), emptySchema()]
      const store = await openAt(ours, { serve: true })
      const other = await openAt(theirs, { serve: true })
      await store.projects.ensure('default', 1)
      expect(await other.projects.ensure('default', 2)).toMatchObject({ createdAt: 2 })
    })

    it('is made once by processes that open it together: one makes it, the others wait', inProcesses, async () => {
      const url = emptySchema()
      const client = await connectTo(url)
      const key = lockKey('migration', schemaOf(url))
      await client.query('select pg_advisory_lock($1::bigint)', [key])
      const running = Array.from({ length: 3 }, () => runFixture('open-database', url))
      const said = running.map(({ lines }) => {
        const all: string[] = []
        lines.on('line', (line) => all.push(line))
        return all
      })
      // All three have seen that there is nothing, and stand in line.
      await expect.poll(() => said.flat(), inProcesses).toEqual(said.map(() => 'store.migration_awaited'))
      await client.query('select pg_advisory_unlock($1::bigint)', [key])
      expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(running.map(() => ({ code: 0, stderr: '' })))
      expect(said.flat().filter((line) => line === 'store.migrated')).toHaveLength(2)
      expect(said.filter((lines) => lines.includes('store.migrated'))).toHaveLength(1)
      expect(new Set(said.map((lines) => lines.at(-1))).size).toBe(1)
    })

    it('is not touched by a command that only reads, when there is nothing in it', async () => {
      const url = emptySchema()
      const { code, message } = await refusalOf(openAt(url, { create: false }))
      expect(code).toBe('database_unusable')
      expect(message).toContain('There is no ATP data')
      const { rows } = await (await connectTo(url)).query('select current_schema() as schema')
      expect(rows).toEqual([{ schema: null }])
    })

    it.each(['migrations', 'call_migrations'])('is refused when %s knows a newer version', async (table) => {
      const url = emptySchema()
      await (await openAt(url)).close()
      const client = await connectTo(url)
      await client.query(`insert into ${table} values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')`)
      const { code, message } = await refusalOf(openAt(url))
      expect(code).toBe('database_too_new')
      expect(message).toMatch(/"9999-from-the-future".*knows versions up to "000.*upgrade/)
    })
  })

  describe('a connection', () => {
    it('commits to the disk also where the database is set not to', async () => {
      const url = emptySchema()
      const admin = await connectTo(url)
      const user = new URL(url).username
      const name = new URL(url).pathname.slice(1)
      await admin.query(`alter role "${user}" in database "${name}" set synchronous_commit = off`)
      onTestFinished(async () => void (await admin.query(`alter role "${user}" in database "${name}" reset all`)))
      const store = await openAt(url)
      await store.projects.ensure('default', 1)
      // What a session is set to shows in what it leaves behind: a trigger notes it for each row.
      await admin.query('create table noted (setting text)')
      await admin.query(`create function note() returns trigger language plpgsql as
        $$ begin insert into noted values (current_setting('synchronous_commit')); return new; end $$`)
      await admin.query('create trigger note after insert on projects for each row execute function note()')
      await store.projects.ensure('another', 1)
      expect((await admin.query('select * from noted')).rows).toEqual([{ setting: 'on' }])
    })

    it('replaces what PostgreSQL cannot keep in a text, and finds nothing by it', async () => {
      const store = await openAt(emptySchema())
      const { id: projectId } = await store.projects.ensure('default', 1)
      const { id } = await store.toolkits.ensure(projectId, 'weather', 1)
      const change = { instructions: null, hash: 'h\0', upsert: [], remove: [], now: 2 }
      const saved = await store.toolkits.register(projectId, id, { ...change, caption: 'a\0b' })
      expect(saved).toMatchObject({ caption: 'a\ufffdb', hash: 'h\ufffd' })
      expect(await store.toolkits.resolve(projectId, 'weather\0')).toBeUndefined()
    })
  })

  describe('a database of a server', () => {
    it('is refused to a second server, which says why', async () => {
      const url = withPassword(emptySchema(), 's3cret')
      await openAt(url, { serve: true })
      const { code, message, whole } = await refusalOf(openAt(url, { serve: true }))
      expect(code).toBe('database_in_use')
      expect(message).toContain(new URL(url).pathname)
      expect(message).toContain('one server per database is supported until a bus is configured')
      expect(whole).not.toContain('s3cret')
    })

    it('is shared with commands that do not serve', async () => {
      const url = emptySchema()
      const server = await openAt(url, { serve: true })
      const project = await server.projects.ensure('default', 1)
      await createKeyService({ store: await openAt(url) }).create({ projectId: project.id, kind: 'admin' })
      expect(await server.keys.list(project.id)).toHaveLength(1)
    })

    it('is free at once when the server closed it, or could not open it', async () => {
      const url = emptySchema()
      await (await openAt(url, { serve: true })).close()
      const client = await connectTo(url)
      await client.query("insert into migrations values ('9999', '2099-01-01T00:00:00.000Z')")
      expect(await refusalOf(openAt(url, { serve: true }))).toMatchObject({ code: 'database_too_new' })
      await client.query("delete from migrations where name = '9999'")
      await openAt(url, { serve: true })
    })

    it('is free after the server was killed', inProcesses, async () => {
      const url = emptySchema()
      const server = runFixture('hold-database', url)
      expect(await once(server.lines, 'line')).toEqual(['ready'])
      expect((await refusalOf(openAt(url, { serve: true }))).code).toBe('database_in_use')
      await server.kill()
      await openAt(url, { serve: true })
    })

    it('is back at once after its connections were ended there, with the lock', async () => {
      const url = emptySchema()
      const events = recordingLogger()
      let recovered = 0
      const store = await openAt(url, {
        serve: true,
        logger: events.logger,
        onRecovered: () => {
          recovered += 1
        },
      })
      await store.projects.ensure('default', 1)
      const client = await connectTo(url)
      const { rows } = await client.query(lockHolderSql, [lockKey('server', schemaOf(url))])
      await client.query(endSessionsSql, [rows[0].name])
      await expect.poll(() => recovered).toBe(1)
      expect(await store.projects.ensure('default', 2)).toMatchObject({ createdAt: 1 })
      expect((await refusalOf(openAt(url, { serve: true }))).code).toBe('database_in_use')
      expect(events.names).toEqual(expect.arrayContaining(['store.unavailable', 'store.available']))
    })
  })

  describe('a database that cannot be used', () => {
    it.each([
      ['nobody listens there', { port: '1' }, 'ECONNREFUSED'],
      ['it is not there', { pathname: '/atp_no_such_database' }, '"atp_no_such_database" does not exist'],
      ['there is no such user', { username: 'atp_nobody' }, 'atp_nobody'],
    ])('is named, and why, when %s', async (_why, change, reason) => {
      const url = Object.assign(new URL(withPassword(emptySchema(), 's3cret')), change).href
      for (const serve of [true, false]) {
        const { code, message, whole } = await refusalOf(openAt(url, { serve }))
        expect(code).toBe('database_unusable')
        expect(message).toMatch(/^The database postgres:\/\/\w+@[^ ]+ cannot be used: /)
        expect(message).toContain(reason)
        expect(whole).not.toContain('s3cret')
      }
    })

    it('is refused when it is not encoded in UTF-8', async () => {
      const url = new URL(emptySchema())
      const admin = await connectTo(url.href)
      const name = `${url.pathname.slice(1)}_ascii`
      await admin.query(`create database ${name} encoding 'SQL_ASCII' template template0 locale 'C'`)
      onTestFinished(async () => void (await admin.query(`drop database ${name} with (force)`)))
      url.pathname = `/${name}`
      const { code, message } = await refusalOf(openAt(url.href))
      expect(code).toBe('database_unusable')
      expect(message).toContain('SQL_ASCII')
    })
  })

  it('tells nobody the password, whatever is logged or printed', async () => {
    const events = recordingLogger()
    const store = await openAt(withPassword(emptySchema(), 's3cret'), { serve: true, logger: events.logger })
    await store.projects.ensure('default', 1)
    await store.close()
    const failure = await store.projects.ensure('default', 1).catch((error: unknown) => error)
    expect(events.names).toContain('store.opened')
    expect(inspect([events.all, store, failure], { depth: 20, showHidden: true })).not.toContain('s3cret')
  })

  it('leases past calls that somebody else is changing, without waiting for them', async () => {
    const url = emptySchema()
    const store = await openAt(url)
    const project = await store.projects.ensure('ours', 1)
    const foreign = await store.projects.ensure('theirs', 1)
    const rows = await DurableRows.create({ store, second: store, project, foreign })
    const [held, free] = await rows.manyStored(2)
    const client = await connectTo(url)
    await client.query('begin')
    await client.query('select id from durable_calls where id = $1 for update', [held?.id])
    expect((await store.durable.lease(rows.leaseRequest())).map(({ id }) => id)).toEqual([free?.id])
    await client.query('commit')
    expect((await store.durable.lease(rows.leaseRequest())).map(({ id }) => id)).toEqual([held?.id])
  })

  it('stores no call under a data key that is being retired', async () => {
    const url = emptySchema()
    const store = await openAt(url)
    const project = await store.projects.ensure('ours', 1)
    const foreign = await store.projects.ensure('theirs', 1)
    const rows = await DurableRows.create({ store, second: store, project, foreign })
    const client = await connectTo(url)
    await client.query('begin')
    await client.query('update data_keys set retired_at = 1 where project_id = $1', [project.id])
    const refused = store.durable.insert([{ call: rows.call() }])
    const watcher = await connectTo(url)
    const waiting =
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%data_keys%for share%'"
    await expect.poll(async () => (await watcher.query(waiting)).rowCount).toBe(1)
    await client.query('commit')
    expect(await refused).toEqual([{ inserted: false, retired: true }])
  })

  it('reads the calls of a project from the index, newest first, without sorting', async () => {
    const url = emptySchema()
    const store = await openAt(url)
    const { id: projectId } = await store.projects.ensure('default', 1)
    const call = { projectId, keyId: 'k', toolkitId: 't', toolkitName: 'weather', tool: 'forecast' } as const
    const outcome = { delivery: 'socket', status: 'succeeded', errorCode: null, startedAt: 1, durationMs: 1 } as const
    await store.calls.append(Array.from({ length: 5_000 }, () => ({ id: newId(), ...call, ...outcome })))
    const client = await connectTo(url)
    await client.query('analyze calls')
    const { rows } = await client.query(
      'explain select * from calls where project_id = $1 and id < $2 order by id desc limit 50',
      [projectId, newId()],
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index Scan Backward using calls_primary')
    expect(plan).not.toContain('Sort')
  })
})

/** Ten times as fast as `truncate` on tables with a few rows. */
const emptyTables =
  'delete from durable_calls; delete from call_outcomes; delete from idempotency_claims; delete from secrets; delete from data_keys; delete from tools; delete from toolkit_hashes; delete from exchanges; delete from keys; delete from toolkits; delete from calls; delete from projects'

function recordingLogger(): { logger: Logger; names: string[]; all: unknown[] } {
  const names: string[] = []
  const all: unknown[] = []
  const note = (event: string, fields?: Record<string, unknown>): void => {
    names.push(event)
    all.push([event, fields])
  }
  return { logger: { debug: note, info: note, warn: note, error: note }, names, all }
}
