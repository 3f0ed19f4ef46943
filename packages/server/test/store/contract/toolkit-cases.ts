import type { ToolDescriptor } from '@atp/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import type { Registration, Store, StoredToolkit } from '../../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of toolkits and registrations in every store. */
export function describeToolkits(given: StoreContext): void {
  describe('toolkits', () => {
    it('makes a toolkit that is not there, and gives the same one afterwards', async () => {
      const made = await given.store.toolkits.ensure(given.project.id, 'My Weather', 7)
      expect(made).toEqual({
        id: made.id,
        projectId: given.project.id,
        appName: 'My Weather',
        slug: 'my-weather',
        caption: '',
        instructions: null,
        hash: null,
        publishedAt: null,
        endpointUrl: null,
        createdAt: 7,
        updatedAt: 7,
      })
      expect(await given.second.toolkits.ensure(given.project.id, 'My Weather', 8)).toEqual(made)
    })

    it('gives callers at once the same toolkit of one name', async () => {
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 ? given.store : given.second).toolkits.ensure(given.project.id, 'weather', 1),
        ),
      )
      expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    })

    it('gives names that are alike different slugs', async () => {
      const slugs: string[] = []
      for (const appName of ['my app', 'my-app', 'My App', 'MY APP']) {
        slugs.push((await given.store.toolkits.ensure(given.project.id, appName, 1)).slug)
      }
      expect(slugs).toEqual(['my-app', 'my-app-2', 'my-app-3', 'my-app-4'])
    })

    it('gives names that are alike different slugs when they come at once', async () => {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? given.store : given.second).toolkits.ensure(given.project.id, `app${'!'.repeat(index)}`, 1),
        ),
      )
      expect(new Set(made.map(({ slug }) => slug)).size).toBe(20)
    })

    it('keeps long slugs within 64 characters', async () => {
      const first = await given.store.toolkits.ensure(given.project.id, 'x'.repeat(128), 1)
      const next = await given.store.toolkits.ensure(given.project.id, 'x'.repeat(127), 1)
      expect([first.slug, next.slug]).toEqual(['x'.repeat(64), `${'x'.repeat(62)}-2`])
    })

    it('lets two projects use one name and one slug', async () => {
      const ours = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      const theirs = await given.store.toolkits.ensure(given.foreign.id, 'weather', 1)
      expect(theirs.id).not.toBe(ours.id)
      expect(theirs.slug).toBe(ours.slug)
    })

    it('resolves by id, else by app name, else by slug', async () => {
      const slugged = await given.store.toolkits.ensure(given.project.id, 'Plain', 1)
      expect(await given.store.toolkits.resolve(given.project.id, slugged.id)).toEqual(slugged)
      expect(await given.store.toolkits.resolve(given.project.id, 'Plain')).toEqual(slugged)
      expect(await given.store.toolkits.resolve(given.project.id, 'plain')).toEqual(slugged)

      const named = await given.store.toolkits.ensure(given.project.id, 'plain', 1)
      expect(await given.store.toolkits.resolve(given.project.id, 'plain')).toEqual(named)
      await given.store.toolkits.ensure(given.project.id, slugged.id, 1)
      expect(await given.store.toolkits.resolve(given.project.id, slugged.id)).toEqual(slugged)
      expect(await given.store.toolkits.resolve(given.project.id, 'nothing')).toBeUndefined()
    })

    it('looks for any text that a peer may send, and finds nothing', async () => {
      await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      for (const text of ['weather\0', '\0', '\ud800', "weather' --", '']) {
        expect(await given.store.toolkits.resolve(given.project.id, text)).toBeUndefined()
        expect(await given.store.toolkits.find(given.project.id, text)).toBeUndefined()
        expect(await given.store.keys.find(given.project.id, text)).toBeUndefined()
        expect((await given.store.calls.list(given.project.id, { tool: text, before: text })).calls).toEqual([])
      }
    })

    it('treats a toolkit of another project like one that is not there', async () => {
      const toolkit = await given.store.toolkits.ensure(given.foreign.id, 'Weather', 1)
      await given.store.toolkits.register(given.foreign.id, toolkit.id, registration({ upsert: [tool('forecast')] }))
      expect(await given.store.toolkits.find(given.project.id, toolkit.id)).toBeUndefined()
      for (const idOrName of [toolkit.id, 'Weather', 'weather']) {
        expect(await given.store.toolkits.resolve(given.project.id, idOrName)).toBeUndefined()
      }
      expect(await given.store.toolkits.list(given.project.id)).toEqual([])
      expect(await given.store.toolkits.tools(given.project.id, toolkit.id)).toEqual([])
    })

    it('lists by app name', async () => {
      for (const appName of ['b', 'a', 'c', 'B']) await given.store.toolkits.ensure(given.project.id, appName, 1)
      const listed = await given.store.toolkits.list(given.project.id)
      expect(listed.map(({ appName }) => appName)).toEqual(['B', 'a', 'b', 'c'])
    })
  })

  describe('endpoints', () => {
    it('are set and removed', async () => {
      const { project, store, second } = given
      const toolkit = await store.toolkits.ensure(project.id, 'weather', 1)
      const url = 'https://tools.example/atp?x=1'
      const set = { ...toolkit, endpointUrl: url, updatedAt: 5 }
      expect(await store.toolkits.setEndpoint(project.id, toolkit.id, url, 5)).toEqual(set)
      expect(await second.toolkits.find(project.id, toolkit.id)).toEqual(set)
      const removed = { ...toolkit, updatedAt: 6 }
      expect(await store.toolkits.setEndpoint(project.id, toolkit.id, null, 6)).toEqual(removed)
    })

    it('are changed by a registration that names one, or none, and left by others', async () => {
      const { project, store } = given
      const { id } = await store.toolkits.ensure(project.id, 'weather', 1)
      const endpointAfter = async (change: Partial<Registration>) =>
        (await store.toolkits.register(project.id, id, registration(change)))?.endpointUrl
      expect(await endpointAfter({ endpointUrl: 'https://a.example/' })).toBe('https://a.example/')
      expect(await endpointAfter({})).toBe('https://a.example/')
      expect(await endpointAfter({ endpointUrl: undefined })).toBe('https://a.example/')
      expect(await endpointAfter({ endpointUrl: null })).toBeNull()
    })

    it('of a toolkit of another project are like those of one that is not there', async () => {
      const { project, foreign, store } = given
      const theirs = await store.toolkits.ensure(foreign.id, 'weather', 1)
      const url = 'https://a.example/'
      expect(await store.toolkits.setEndpoint(project.id, theirs.id, url, 5)).toBeUndefined()
      expect(await store.toolkits.setEndpoint(project.id, newId(), url, 5)).toBeUndefined()
      expect(await store.toolkits.find(foreign.id, theirs.id)).toEqual(theirs)
    })
  })

  describe('registrations', () => {
    let toolkit: StoredToolkit
    const namesOf = async (of: Store): Promise<string[]> =>
      (await of.toolkits.tools(given.project.id, toolkit.id)).map((one) => one.name)

    beforeEach(async () => {
      toolkit = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
    })

    it('gives the toolkit as it is now', async () => {
      const change = { caption: 'Wetter ☀', instructions: "It's \n \u2028 \\ 'quoted'", hash: 'h1', now: 9 }
      const registered = await given.store.toolkits.register(given.project.id, toolkit.id, registration(change))
      expect(registered).toEqual({ ...toolkit, ...change, now: undefined, updatedAt: 9 })
      expect(await given.second.toolkits.find(given.project.id, toolkit.id)).toEqual(registered)
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
      await given.store.toolkits.register(given.project.id, toolkit.id, registration({ upsert: [full, tool('bare')] }))
      expect(await given.second.toolkits.tools(given.project.id, toolkit.id)).toEqual([full, tool('bare')])
    })

    it('keeps tools in the order they were first registered, also when one is replaced', async () => {
      await given.store.toolkits.register(
        given.project.id,
        toolkit.id,
        registration({ upsert: [tool('c'), tool('a'), tool('b')] }),
      )
      const replaced = { ...tool('c'), description: 'replaced' }
      await given.store.toolkits.register(given.project.id, toolkit.id, registration({ upsert: [tool('d'), replaced] }))
      expect(await namesOf(given.store)).toEqual(['c', 'a', 'b', 'd'])
      expect((await given.store.toolkits.tools(given.project.id, toolkit.id))[0]).toEqual(replaced)
    })

    it('removes tools before it adds any, and ignores unknown ones', async () => {
      await given.store.toolkits.register(
        given.project.id,
        toolkit.id,
        registration({ upsert: [tool('a'), tool('b'), tool('c')] }),
      )
      const change = registration({ remove: ['a', 'b', 'unknown'], upsert: [tool('a')] })
      await given.store.toolkits.register(given.project.id, toolkit.id, change)
      expect(await namesOf(given.store)).toEqual(['c', 'a'])
    })

    it('counts the tools of each toolkit of the project', async () => {
      const other = await given.store.toolkits.ensure(given.project.id, 'other', 1)
      const empty = await given.store.toolkits.ensure(given.project.id, 'empty', 1)
      const theirs = await given.store.toolkits.ensure(given.foreign.id, 'theirs', 1)
      const register = (projectId: string, id: string, change: Partial<Registration>) =>
        given.store.toolkits.register(projectId, id, registration(change))
      await register(given.project.id, toolkit.id, { upsert: [tool('a'), tool('b'), tool('c')] })
      await register(given.project.id, toolkit.id, { remove: ['a'] })
      await register(given.project.id, other.id, { upsert: [tool('a')] })
      await register(given.foreign.id, theirs.id, { upsert: [tool('a')] })
      const counts = await given.second.toolkits.toolCounts(given.project.id)
      expect([toolkit, other, empty, theirs].map(({ id }) => counts.get(id) ?? 0)).toEqual([2, 1, 0, 0])
    })

    it('takes the last of two tools of one name', async () => {
      const last = { ...tool('a'), description: 'last' }
      await given.store.toolkits.register(given.project.id, toolkit.id, registration({ upsert: [tool('a'), last] }))
      expect(await given.store.toolkits.tools(given.project.id, toolkit.id)).toEqual([last])
    })

    it('changes nothing at all when a part of it fails', async () => {
      const first = registration({ caption: 'before', upsert: [tool('a'), tool('b')] })
      const before = await given.store.toolkits.register(given.project.id, toolkit.id, first)
      const unwritable = { ...tool('d'), inputSchema: { type: 'object', default: 1n } }
      const change = registration({ caption: 'after', hash: 'h2', remove: ['a'], upsert: [tool('c'), unwritable] })
      await expect(given.store.toolkits.register(given.project.id, toolkit.id, change)).rejects.toThrow()
      expect(await given.store.toolkits.find(given.project.id, toolkit.id)).toEqual(before)
      expect(await namesOf(given.store)).toEqual(['a', 'b'])
    })

    it('keeps both of two registrations at once', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `tool_${index}`)
      await Promise.all(
        names.map((name, index) =>
          (index % 2 ? given.store : given.second).toolkits.register(
            given.project.id,
            toolkit.id,
            registration({ upsert: [tool(name)] }),
          ),
        ),
      )
      expect((await namesOf(given.store)).sort()).toEqual(names.sort())
    })

    it('says that a toolkit is not there, and stores nothing', async () => {
      const change = registration({ caption: 'stolen', upsert: [tool('a')] })
      expect(await given.store.toolkits.register(given.project.id, newId(), change)).toBeUndefined()
      expect(await given.store.toolkits.register(given.foreign.id, toolkit.id, change)).toBeUndefined()
      expect(await given.store.toolkits.find(given.project.id, toolkit.id)).toEqual(toolkit)
      expect(await namesOf(given.store)).toEqual([])
      expect(await given.store.toolkits.tools(given.foreign.id, toolkit.id)).toEqual([])
    })
  })
}

function tool(name: string): ToolDescriptor {
  return { name, description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] }
}

function registration(change: Partial<Registration> = {}): Registration {
  return { caption: '', instructions: null, hash: 'h', upsert: [], remove: [], now: 2, ...change }
}
