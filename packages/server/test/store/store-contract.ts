import type { ToolDescriptor } from '@atp/core'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { newId } from '../../src/keys/ids.ts'
import type { CallRecord, KeyKind, NewKey, Project, Registration, Store, StoredToolkit } from '../../src/store/store.ts'

/** A store to test, with a second handle on the same data, as another process would have. */
export interface OpenedStore {
  store: Store
  second: Store
  close(): Promise<void>
}

/** One test per sentence of the docstrings in `store.ts`. `open` gives an empty store each time. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} store`, () => {
    let store: Store
    let second: Store
    let project: Project
    let foreign: Project

    beforeEach(async () => {
      const opened = await open()
      onTestFinished(opened.close)
      store = opened.store
      second = opened.second
      project = await store.projects.ensure('ours', 1)
      foreign = await store.projects.ensure('theirs', 1)
    })

    it('closes twice without complaint', async () => {
      await store.close()
      await store.close()
    })

    describe('projects', () => {
      it('makes a project that is not there, and gives the same one afterwards', async () => {
        const made = await store.projects.ensure('new', 7)
        expect(made).toEqual({ id: made.id, name: 'new', createdAt: 7 })
        expect(await second.projects.ensure('new', 8)).toEqual(made)
      })

      it('gives two callers at once the same project', async () => {
        const made = await Promise.all([store, second, store, second].map((one) => one.projects.ensure('new', 7)))
        expect(new Set(made.map(({ id }) => id)).size).toBe(1)
      })
    })

    describe('keys', () => {
      it('keeps a key as it was given, without its hash', async () => {
        const toolkit = await store.toolkits.ensure(project.id, 'weather', 1)
        const { hash: _, ...given } = newKey(project, { toolkitId: toolkit.id, name: 'Büro "1"', expiresAt: 99 })
        const inserted = await store.keys.insert({ ...given, hash: 'h' })
        expect(inserted).toEqual({ ...given, revokedAt: null })
        expect(await second.keys.find(project.id, given.id)).toEqual(inserted)
      })

      it('refuses a hash or an id that is there already', async () => {
        const key = newKey(project)
        await store.keys.insert(key)
        await expect(store.keys.insert({ ...key, id: newId() })).rejects.toThrow()
        await expect(store.keys.insert({ ...key, hash: 'other' })).rejects.toThrow()
      })

      it("refuses a key for a toolkit that is not one of the project's", async () => {
        const toolkit = await store.toolkits.ensure(foreign.id, 'weather', 1)
        await expect(store.keys.insert(newKey(project, { toolkitId: toolkit.id }))).rejects.toThrow()
        await expect(store.keys.insert(newKey(project, { toolkitId: newId() }))).rejects.toThrow()
      })

      it('finds a key of any project by its hash, and says the hash', async () => {
        const key = await store.keys.insert(newKey(foreign, { hash: 'known' }))
        expect(await store.keys.findByHash('known')).toEqual({ ...key, hash: 'known' })
        expect(await store.keys.findByHash('unknown')).toBeUndefined()
      })

      it('finds revoked and expired keys by their hash too', async () => {
        const revoked = await store.keys.insert(newKey(project, { hash: 'revoked' }))
        await store.keys.revoke(project.id, revoked.id, 5)
        await store.keys.insert(newKey(project, { hash: 'expired', expiresAt: 2 }))
        expect(await store.keys.findByHash('revoked')).toMatchObject({ revokedAt: 5 })
        expect(await store.keys.findByHash('expired')).toMatchObject({ expiresAt: 2 })
      })

      it('treats a key of another project like one that is not there', async () => {
        const key = await store.keys.insert(newKey(foreign))
        expect(await store.keys.find(project.id, key.id)).toBeUndefined()
        expect(await store.keys.revoke(project.id, key.id, 5)).toBeUndefined()
        expect(await store.keys.list(project.id)).toEqual([])
        expect(await store.keys.find(foreign.id, key.id)).toEqual(key)
      })

      it('lists the newest key first', async () => {
        const keys = [
          newKey(project, { createdAt: 2 }),
          newKey(project, { createdAt: 1 }),
          newKey(project, { createdAt: 3 }),
        ]
        const sameTime = newKey(project, { createdAt: 3 })
        for (const key of [sameTime, ...keys]) await store.keys.insert(key)
        const listed = await store.keys.list(project.id)
        expect(listed.map(({ id }) => id)).toEqual([sameTime.id, keys[2]?.id, keys[0]?.id, keys[1]?.id])
      })

      it('sets the time of revocation once', async () => {
        const key = await store.keys.insert(newKey(project))
        expect(await store.keys.revoke(project.id, key.id, 5)).toEqual({ ...key, revokedAt: 5 })
        expect(await second.keys.revoke(project.id, key.id, 6)).toEqual({ ...key, revokedAt: 5 })
        expect(await store.keys.revoke(project.id, newId(), 6)).toBeUndefined()
      })

      it('tells which keys of any project were revoked at or after a time', async () => {
        const ids: string[] = []
        for (const [owner, time] of [
          [project, 4],
          [project, 5],
          [foreign, 6],
        ] as const) {
          const key = await store.keys.insert(newKey(owner))
          await store.keys.revoke(owner.id, key.id, time)
          ids.push(key.id)
        }
        await store.keys.insert(newKey(project))
        expect(await store.keys.revokedSince(5)).toEqual(ids.slice(1))
        expect(await store.keys.revokedSince(7)).toEqual([])
      })

      it('binds an unbound toolkit key once', async () => {
        const key = await store.keys.insert(newKey(project))
        const weather = await store.toolkits.ensure(project.id, 'weather', 1)
        const traffic = await store.toolkits.ensure(project.id, 'traffic', 1)
        expect(await store.keys.bindToolkit(key.id, weather.id)).toBe(weather.id)
        expect(await second.keys.bindToolkit(key.id, traffic.id)).toBe(weather.id)
        expect(await store.keys.find(project.id, key.id)).toMatchObject({ toolkitId: weather.id })
      })

      it('gives two callers who bind at once the same toolkit', async () => {
        const key = await store.keys.insert(newKey(project))
        const weather = await store.toolkits.ensure(project.id, 'weather', 1)
        const traffic = await store.toolkits.ensure(project.id, 'traffic', 1)
        const bound = await Promise.all([
          store.keys.bindToolkit(key.id, weather.id),
          second.keys.bindToolkit(key.id, traffic.id),
        ])
        expect(new Set(bound).size).toBe(1)
      })

      it('binds neither a toolkit of another project, nor a key of another kind, nor a key that is not there', async () => {
        const key = await store.keys.insert(newKey(project))
        const llmKey = await store.keys.insert(newKey(project, { kind: 'llm' }))
        const ours = await store.toolkits.ensure(project.id, 'weather', 1)
        const theirs = await store.toolkits.ensure(foreign.id, 'weather', 1)
        const refusal = expect.objectContaining({ code: 'not_found' })
        await expect(store.keys.bindToolkit(key.id, theirs.id)).rejects.toEqual(refusal)
        await expect(store.keys.bindToolkit(key.id, newId())).rejects.toEqual(refusal)
        await expect(store.keys.bindToolkit(llmKey.id, ours.id)).rejects.toEqual(refusal)
        await expect(store.keys.bindToolkit(newId(), ours.id)).rejects.toEqual(refusal)
        expect(await store.keys.find(project.id, key.id)).toMatchObject({ toolkitId: null })
      })
    })

    describe('toolkits', () => {
      it('makes a toolkit that is not there, and gives the same one afterwards', async () => {
        const made = await store.toolkits.ensure(project.id, 'My Weather', 7)
        expect(made).toEqual({
          id: made.id,
          projectId: project.id,
          appName: 'My Weather',
          slug: 'my-weather',
          caption: '',
          instructions: null,
          hash: null,
          createdAt: 7,
          updatedAt: 7,
        })
        expect(await second.toolkits.ensure(project.id, 'My Weather', 8)).toEqual(made)
      })

      it('gives callers at once the same toolkit of one name', async () => {
        const made = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? store : second).toolkits.ensure(project.id, 'weather', 1),
          ),
        )
        expect(new Set(made.map(({ id }) => id)).size).toBe(1)
      })

      it('gives names that are alike different slugs', async () => {
        const slugs: string[] = []
        for (const appName of ['my app', 'my-app', 'My App', 'MY APP']) {
          slugs.push((await store.toolkits.ensure(project.id, appName, 1)).slug)
        }
        expect(slugs).toEqual(['my-app', 'my-app-2', 'my-app-3', 'my-app-4'])
      })

      it('gives names that are alike different slugs when they come at once', async () => {
        const made = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            (index % 2 ? store : second).toolkits.ensure(project.id, `app${'!'.repeat(index)}`, 1),
          ),
        )
        expect(new Set(made.map(({ slug }) => slug)).size).toBe(20)
      })

      it('keeps long slugs within 64 characters', async () => {
        const first = await store.toolkits.ensure(project.id, 'x'.repeat(128), 1)
        const next = await store.toolkits.ensure(project.id, 'x'.repeat(127), 1)
        expect([first.slug, next.slug]).toEqual(['x'.repeat(64), `${'x'.repeat(62)}-2`])
      })

      it('lets two projects use one name and one slug', async () => {
        const ours = await store.toolkits.ensure(project.id, 'weather', 1)
        const theirs = await store.toolkits.ensure(foreign.id, 'weather', 1)
        expect(theirs.id).not.toBe(ours.id)
        expect(theirs.slug).toBe(ours.slug)
      })

      it('resolves by id, else by app name, else by slug', async () => {
        const slugged = await store.toolkits.ensure(project.id, 'Plain', 1)
        expect(await store.toolkits.resolve(project.id, slugged.id)).toEqual(slugged)
        expect(await store.toolkits.resolve(project.id, 'Plain')).toEqual(slugged)
        expect(await store.toolkits.resolve(project.id, 'plain')).toEqual(slugged)

        const named = await store.toolkits.ensure(project.id, 'plain', 1)
        expect(await store.toolkits.resolve(project.id, 'plain')).toEqual(named)
        await store.toolkits.ensure(project.id, slugged.id, 1)
        expect(await store.toolkits.resolve(project.id, slugged.id)).toEqual(slugged)
        expect(await store.toolkits.resolve(project.id, 'nothing')).toBeUndefined()
      })

      it('treats a toolkit of another project like one that is not there', async () => {
        const toolkit = await store.toolkits.ensure(foreign.id, 'Weather', 1)
        await store.toolkits.register(foreign.id, toolkit.id, registration({ upsert: [tool('forecast')] }))
        expect(await store.toolkits.find(project.id, toolkit.id)).toBeUndefined()
        for (const idOrName of [toolkit.id, 'Weather', 'weather']) {
          expect(await store.toolkits.resolve(project.id, idOrName)).toBeUndefined()
        }
        expect(await store.toolkits.list(project.id)).toEqual([])
        expect(await store.toolkits.tools(project.id, toolkit.id)).toEqual([])
      })

      it('lists by app name', async () => {
        for (const appName of ['b', 'a', 'c', 'B']) await store.toolkits.ensure(project.id, appName, 1)
        const listed = await store.toolkits.list(project.id)
        expect(listed.map(({ appName }) => appName)).toEqual(['B', 'a', 'b', 'c'])
      })
    })

    describe('registrations', () => {
      let toolkit: StoredToolkit
      const namesOf = async (of: Store): Promise<string[]> =>
        (await of.toolkits.tools(project.id, toolkit.id)).map((one) => one.name)

      beforeEach(async () => {
        toolkit = await store.toolkits.ensure(project.id, 'weather', 1)
      })

      it('gives the toolkit as it is now', async () => {
        const given = { caption: 'Wetter ☀', instructions: "It's \n \u2028 \\ 'quoted'", hash: 'h1', now: 9 }
        const registered = await store.toolkits.register(project.id, toolkit.id, registration(given))
        expect(registered).toEqual({ ...toolkit, ...given, now: undefined, updatedAt: 9 })
        expect(await second.toolkits.find(project.id, toolkit.id)).toEqual(registered)
      })

      it('gives tools back as they were registered', async () => {
        const full: ToolDescriptor = {
          name: 'forecast',
          description: 'Tells the weather: 日本 \u0000 "quoted"',
          inputSchema: { type: 'object', properties: { city: { type: 'string', default: null } }, required: ['city'] },
          outputSchema: { type: 'array', items: { type: 'number' } },
          auth: { provider: 'hubspot', type: 'OAuth2', with: 'access_token' },
          annotations: { title: 'Forecast', readOnly: true, idempotent: false },
          timeoutMs: 1_500,
          tags: ['a', 'b'],
        }
        await store.toolkits.register(project.id, toolkit.id, registration({ upsert: [full, tool('bare')] }))
        expect(await second.toolkits.tools(project.id, toolkit.id)).toEqual([full, tool('bare')])
      })

      it('keeps tools in the order they were first registered, also when one is replaced', async () => {
        await store.toolkits.register(
          project.id,
          toolkit.id,
          registration({ upsert: [tool('c'), tool('a'), tool('b')] }),
        )
        const replaced = { ...tool('c'), description: 'replaced' }
        await store.toolkits.register(project.id, toolkit.id, registration({ upsert: [tool('d'), replaced] }))
        expect(await namesOf(store)).toEqual(['c', 'a', 'b', 'd'])
        expect((await store.toolkits.tools(project.id, toolkit.id))[0]).toEqual(replaced)
      })

      it('removes tools before it adds any, and ignores unknown ones', async () => {
        await store.toolkits.register(
          project.id,
          toolkit.id,
          registration({ upsert: [tool('a'), tool('b'), tool('c')] }),
        )
        const change = registration({ remove: ['a', 'b', 'unknown'], upsert: [tool('a')] })
        await store.toolkits.register(project.id, toolkit.id, change)
        expect(await namesOf(store)).toEqual(['c', 'a'])
      })

      it('takes the last of two tools of one name', async () => {
        const last = { ...tool('a'), description: 'last' }
        await store.toolkits.register(project.id, toolkit.id, registration({ upsert: [tool('a'), last] }))
        expect(await store.toolkits.tools(project.id, toolkit.id)).toEqual([last])
      })

      it('changes nothing at all when a part of it fails', async () => {
        const first = registration({ caption: 'before', upsert: [tool('a'), tool('b')] })
        const before = await store.toolkits.register(project.id, toolkit.id, first)
        const unwritable = { ...tool('d'), inputSchema: { type: 'object', default: 1n } }
        const change = registration({ caption: 'after', hash: 'h2', remove: ['a'], upsert: [tool('c'), unwritable] })
        await expect(store.toolkits.register(project.id, toolkit.id, change)).rejects.toThrow()
        expect(await store.toolkits.find(project.id, toolkit.id)).toEqual(before)
        expect(await namesOf(store)).toEqual(['a', 'b'])
      })

      it('keeps both of two registrations at once', async () => {
        const names = Array.from({ length: 20 }, (_, index) => `tool_${index}`)
        await Promise.all(
          names.map((name, index) =>
            (index % 2 ? store : second).toolkits.register(
              project.id,
              toolkit.id,
              registration({ upsert: [tool(name)] }),
            ),
          ),
        )
        expect((await namesOf(store)).sort()).toEqual(names.sort())
      })

      it('says that a toolkit is not there, and stores nothing', async () => {
        const change = registration({ caption: 'stolen', upsert: [tool('a')] })
        expect(await store.toolkits.register(project.id, newId(), change)).toBeUndefined()
        expect(await store.toolkits.register(foreign.id, toolkit.id, change)).toBeUndefined()
        expect(await store.toolkits.find(project.id, toolkit.id)).toEqual(toolkit)
        expect(await namesOf(store)).toEqual([])
        expect(await store.toolkits.tools(foreign.id, toolkit.id)).toEqual([])
      })
    })

    describe('calls', () => {
      it('keeps a call as it was given', async () => {
        const calls = [
          call(project, { errorCode: 'tool_error', status: 'failed', durationMs: 0.125 }),
          call(project, { errorCode: null, durationMs: 600_000 }),
        ]
        await store.calls.append(calls)
        for (const one of calls) expect(await second.calls.find(project.id, one.id)).toEqual(one)
      })

      it('lists the newest call first', async () => {
        const calls = [call(project), call(project), call(project)]
        await store.calls.append([calls[1], calls[0], calls[2]] as CallRecord[])
        expect(await store.calls.list(project.id, {})).toEqual(calls.toReversed())
      })

      it('takes a batch of thousands', async () => {
        const calls = Array.from({ length: 4_096 }, () => call(project))
        await store.calls.append(calls)
        expect(await store.calls.list(project.id, { limit: 1 })).toEqual([calls.at(-1)])
        expect(await store.calls.find(project.id, calls[0]?.id ?? '')).toEqual(calls[0])
      })

      it('takes an empty batch', async () => {
        await store.calls.append([])
        expect(await store.calls.list(project.id, {})).toEqual([])
      })

      it('writes all of a batch or nothing', async () => {
        const broken = { ...call(project), tool: null as unknown as string }
        await expect(store.calls.append([call(project), broken])).rejects.toThrow()
        expect(await store.calls.list(project.id, {})).toEqual([])
        await store.calls.append([call(project)])
        expect(await store.calls.list(project.id, {})).toHaveLength(1)
      })

      it('leaves a call that is there already as it is', async () => {
        const first = call(project)
        await store.calls.append([first])
        const next = call(project)
        await store.calls.append([{ ...first, status: 'failed' }, next])
        expect(await store.calls.list(project.id, {})).toEqual([next, first])
      })

      it('takes batches of two callers at once', async () => {
        await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? store : second).calls.append([call(project), call(project)]),
          ),
        )
        expect(await store.calls.list(project.id, {})).toHaveLength(20)
      })

      it('goes through all calls page by page, each of them once', async () => {
        const calls = Array.from({ length: 25 }, () => call(project))
        await store.calls.append(calls)
        const seen: string[] = []
        for (const expected of [10, 10, 5, 0]) {
          const page = await store.calls.list(project.id, { before: seen.at(-1), limit: 10 })
          expect(page).toHaveLength(expected)
          seen.push(...page.map(({ id }) => id))
        }
        expect(seen).toEqual(calls.map(({ id }) => id).reverse())
      })

      it('gives 50 calls unless told, and at most 500', async () => {
        await store.calls.append(Array.from({ length: 510 }, () => call(project)))
        expect(await store.calls.list(project.id, {})).toHaveLength(50)
        expect(await store.calls.list(project.id, { limit: 10_000 })).toHaveLength(500)
      })

      it('filters by toolkit, tool and status, alone and together', async () => {
        const toolkitId = newId()
        const calls = [
          call(project, { toolkitId, tool: 'a', status: 'succeeded' }),
          call(project, { toolkitId, tool: 'b', status: 'failed' }),
          call(project, { tool: 'a', status: 'failed' }),
        ]
        await store.calls.append(calls)
        const listed = async (filter: object): Promise<number[]> =>
          (await store.calls.list(project.id, filter)).map((one) => calls.findIndex(({ id }) => id === one.id))
        expect(await listed({ toolkitId })).toEqual([1, 0])
        expect(await listed({ tool: 'a' })).toEqual([2, 0])
        expect(await listed({ status: 'failed' })).toEqual([2, 1])
        expect(await listed({ toolkitId, tool: 'a', status: 'succeeded', before: calls[2]?.id })).toEqual([0])
        expect(await listed({ toolkitId, status: 'timed_out' })).toEqual([])
      })

      it('treats a call of another project like one that is not there', async () => {
        const theirs = call(foreign)
        await store.calls.append([theirs])
        expect(await store.calls.find(project.id, theirs.id)).toBeUndefined()
        expect(await store.calls.list(project.id, { toolkitId: theirs.toolkitId })).toEqual([])
        expect(await store.calls.find(foreign.id, theirs.id)).toEqual(theirs)
      })
    })
  })
}

function newKey(project: Project, change: Partial<NewKey> = {}): NewKey {
  const id = newId()
  const kind: KeyKind = 'toolkit'
  return {
    id,
    projectId: project.id,
    kind,
    name: '',
    toolkitId: null,
    hash: id,
    createdAt: 1,
    expiresAt: null,
    ...change,
  }
}

function registration(change: Partial<Registration> = {}): Registration {
  return { caption: '', instructions: null, hash: 'h', upsert: [], remove: [], now: 2, ...change }
}

function tool(name: string): ToolDescriptor {
  return { name, description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] }
}

function call(project: Project, change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: newId(),
    projectId: project.id,
    keyId: newId(),
    toolkitId: newId(),
    toolkitName: 'weather',
    tool: 'forecast',
    delivery: 'socket',
    status: 'succeeded',
    errorCode: null,
    startedAt: 1_763_000_000_000,
    durationMs: 12,
    ...change,
  }
}
