import type { ToolDescriptor } from '@atp/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import { type LegacyRegistration, maxExchanges, maxLegacyTools } from '../../../src/store/legacy-store.ts'
import type { StoredToolkit } from '../../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of registrations by older clients, and of published toolkits, in every store. */
export function describeLegacy(given: StoreContext): void {
  describe('for older clients', () => {
    let toolkit: StoredToolkit
    let tokens = 0

    beforeEach(async () => {
      toolkit = await given.store.toolkits.ensure(given.project.id, 'Weather', 1)
    })

    function register(name: string, change: Partial<LegacyRegistration> = {}): Promise<StoredToolkit | undefined> {
      tokens += 1
      return given.store.legacy.register(given.project.id, toolkit.id, {
        tool: tool(name),
        codeHash: `code of ${name}`,
        toolkitHash: null,
        exchangeHash: `token ${tokens}`,
        now: 5,
        ...change,
      })
    }

    const knows = (hash: string): Promise<boolean> =>
      given.second.legacy.knowsToolkit(given.project.id, toolkit.id, hash)
    const namesOf = async (): Promise<string[]> =>
      (await given.second.toolkits.tools(given.project.id, toolkit.id)).map(({ name }) => name)

    describe('registrations of older clients', () => {
      it('add tools one at a time, in order, and replace them in their place', async () => {
        for (const name of ['b', 'a']) await register(name)
        const registered = await register('b', { tool: { ...tool('b'), description: 'anew' }, codeHash: 'new', now: 9 })
        expect(registered).toEqual({ ...toolkit, updatedAt: 9 })
        expect(await given.second.toolkits.tools(given.project.id, toolkit.id)).toEqual([
          { ...tool('b'), description: 'anew' },
          tool('a'),
        ])
        expect(await given.second.legacy.codeHashes(given.project.id, toolkit.id)).toEqual(
          new Map([
            ['b', 'new'],
            ['a', 'code of a'],
          ]),
        )
      })

      it('make toolkit hashes known, until a tool changes', async () => {
        await register('a', { toolkitHash: 'A' })
        await register('b', { toolkitHash: 'AB' })
        await register('a', { toolkitHash: 'A' })
        expect([await knows('A'), await knows('AB'), await knows('B')]).toEqual([true, true, false])
        await register('b', { toolkitHash: "AB'", codeHash: 'changed' })
        expect([await knows('A'), await knows('AB'), await knows("AB'")]).toEqual([false, false, true])
        await register('b', { toolkitHash: null, codeHash: 'changed', tool: { ...tool('b'), description: 'changed' } })
        expect(await knows("AB'")).toBe(false)
      })

      it('forget the hashes of one toolkit when they are told to', async () => {
        await register('a', { toolkitHash: 'A' })
        const other = await given.store.toolkits.ensure(given.project.id, 'Other', 1)
        await given.store.legacy.forgetHashes(given.project.id, other.id)
        await given.store.legacy.forgetHashes(newId(), toolkit.id)
        expect(await knows('A')).toBe(true)
        await given.store.legacy.forgetHashes(given.project.id, toolkit.id)
        expect([await knows('A'), await namesOf()]).toEqual([false, ['a']])
      })

      it('take the place of what a newer client announced', async () => {
        const change = { caption: 'c', instructions: 'i', hash: 'h', upsert: [tool('new')], remove: [], now: 2 }
        await given.store.toolkits.register(given.project.id, toolkit.id, change)
        expect(await register('old')).toMatchObject({ caption: 'c', instructions: 'i', hash: null })
        expect(await namesOf()).toEqual(['new', 'old'])
        expect([...(await given.store.legacy.codeHashes(given.project.id, toolkit.id)).keys()]).toEqual(['old'])
      })

      it('are replaced by newer clients, and are not removed by them', async () => {
        for (const name of ['a', 'b']) await register(name, { toolkitHash: 'AB' })
        const change = { caption: '', instructions: null, hash: 'h', upsert: [tool('a')], remove: ['b'], now: 2 }
        await given.store.toolkits.register(given.project.id, toolkit.id, change)
        expect(await namesOf()).toEqual(['a', 'b'])
        expect([...(await given.store.legacy.codeHashes(given.project.id, toolkit.id)).keys()]).toEqual(['b'])
        expect(await knows('AB')).toBe(false)
        await given.store.toolkits.register(given.project.id, toolkit.id, { ...change, upsert: [], remove: ['a', 'b'] })
        expect(await namesOf()).toEqual(['b'])
      })

      it('keep both of two at once', async () => {
        const names = Array.from({ length: 10 }, (_, index) => `tool_${index}`)
        await Promise.all(names.map((name) => register(name, { toolkitHash: name })))
        expect((await namesOf()).sort()).toEqual(names)
      })

      it('store nothing in a toolkit that is not there, or is another project’s', async () => {
        const registration = { tool: tool('a'), codeHash: '', toolkitHash: 'H', exchangeHash: 'x', now: 1 }
        expect(await given.store.legacy.register(given.project.id, newId(), registration)).toBeUndefined()
        expect(await given.store.legacy.register(given.foreign.id, toolkit.id, registration)).toBeUndefined()
        expect(await namesOf()).toEqual([])
        expect(await given.store.legacy.takeExchange('x', 'a')).toBeUndefined()
        await register('a', { toolkitHash: 'H' })
        expect(await given.store.legacy.knowsToolkit(given.foreign.id, toolkit.id, 'H')).toBe(false)
        expect(await given.store.legacy.codeHashes(given.foreign.id, toolkit.id)).toEqual(new Map())
      })

      it('refuse more tools than a toolkit may have, but not the ones it has', async () => {
        const upsert = Array.from({ length: maxLegacyTools }, (_, index) => tool(`tool_${index}`))
        const full = { caption: '', instructions: null, hash: 'h', upsert, remove: [], now: 2 }
        await given.store.toolkits.register(given.project.id, toolkit.id, full)
        await expect(register('one_more')).rejects.toMatchObject({ code: 'invalid_request' })
        await register('tool_7')
        expect(await namesOf()).toHaveLength(maxLegacyTools)
      })

      it('give tokens that work once, for their tool; the newest of a tool are kept', async () => {
        await register('a', { exchangeHash: 'first', now: 1 })
        expect(await given.store.legacy.takeExchange('first', 'b')).toBeUndefined()
        const taken = await Promise.all(
          [given.store, given.second, given.store].map((store) => store.legacy.takeExchange('first', 'a')),
        )
        expect(taken.filter(Boolean)).toEqual([{ projectId: given.project.id, toolkitId: toolkit.id }])
        await register('a', { exchangeHash: 'old', now: 1 })
        for (let index = 0; index < maxExchanges; index += 1) await register('a', { exchangeHash: `t${index}`, now: 2 })
        expect(await given.store.legacy.takeExchange('old', 'a')).toBeUndefined()
        expect(await given.store.legacy.takeExchange('t0', 'a')).toBeDefined()
      })
    })

    describe('published toolkits', () => {
      it('are seen by all projects, by id and by project and slug, until they are made private', async () => {
        expect(await given.store.toolkits.publish(given.project.id, toolkit.id, 7)).toEqual({
          ...toolkit,
          publishedAt: 7,
        })
        const published = { ...toolkit, publishedAt: 7, projectName: 'ours' }
        expect(await given.second.toolkits.findPublished(toolkit.id)).toEqual(published)
        expect(await given.second.toolkits.findPublished('@ours/weather')).toEqual(published)
        expect(await given.second.toolkits.listPublished({ offset: 0, limit: 10 })).toEqual({
          items: [published],
          count: 1,
        })
        expect(await given.second.toolkits.publishedOf(given.project.id)).toEqual([published])
        await given.store.toolkits.publish(given.project.id, toolkit.id, null)
        expect(await given.second.toolkits.findPublished(toolkit.id)).toBeUndefined()
        expect(await given.second.toolkits.listPublished({ offset: 0, limit: 10 })).toEqual({ items: [], count: 0 })
      })

      it('are not found by a bare name, or by what no toolkit is called', async () => {
        await given.store.toolkits.publish(given.project.id, toolkit.id, 7)
        for (const name of [
          'Weather',
          'weather',
          '@theirs/weather',
          '@ours/',
          '@/weather',
          '@ours/Weather',
          '\0',
          '',
        ]) {
          expect(await given.store.toolkits.findPublished(name)).toBeUndefined()
        }
      })

      it('are not changed by another project', async () => {
        expect(await given.store.toolkits.publish(given.foreign.id, toolkit.id, 7)).toBeUndefined()
        expect(await given.store.toolkits.find(given.project.id, toolkit.id)).toEqual(toolkit)
      })

      it('come in pages, by app name, and so do those of a project', async () => {
        for (const name of ['Apple', 'Zebra']) {
          const { id } = await given.store.toolkits.ensure(given.foreign.id, name, 1)
          await given.store.toolkits.publish(given.foreign.id, id, 3)
        }
        await given.store.toolkits.publish(given.project.id, toolkit.id, 7)
        const pages = [0, 2, 4].map((offset) => given.store.toolkits.listPublished({ offset, limit: 2 }))
        const names = (await Promise.all(pages)).map(({ items }) => items.map(({ appName }) => appName))
        expect(names).toEqual([['Apple', 'Weather'], ['Zebra'], []])
        const own = await given.store.toolkits.listPage(given.foreign.id, { offset: 1, limit: 5 })
        expect([own.items.map(({ appName }) => appName), own.count]).toEqual([['Zebra'], 2])
      })
    })

    it('projects are found by id and by name', async () => {
      expect(await given.second.projects.find(given.project.id)).toEqual(given.project)
      expect(await given.second.projects.findByName('theirs')).toEqual(given.foreign)
      expect(await given.second.projects.find('ours')).toBeUndefined()
      expect(await given.second.projects.findByName('nobody')).toBeUndefined()
    })
  })
}

function tool(name: string): ToolDescriptor {
  return { name, description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] }
}
