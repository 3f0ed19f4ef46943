import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import type { KeyKind, NewKey, Project } from '../../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of keys in every store. */
export function describeKeys(given: StoreContext): void {
  describe('keys', () => {
    it('keeps a key as it was given, without its hash', async () => {
      const toolkit = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      const { hash: _, ...wanted } = newKey(given.project, { toolkitId: toolkit.id, name: 'Büro "1"', expiresAt: 99 })
      const inserted = await given.store.keys.insert({ ...wanted, hash: 'h' })
      expect(inserted).toEqual({ ...wanted, revokedAt: null })
      expect(await given.second.keys.find(given.project.id, wanted.id)).toEqual(inserted)
    })

    it('refuses a hash or an id that is there already', async () => {
      const key = newKey(given.project)
      await given.store.keys.insert(key)
      await expect(given.store.keys.insert({ ...key, id: newId() })).rejects.toThrow()
      await expect(given.store.keys.insert({ ...key, hash: 'other' })).rejects.toThrow()
    })

    it("refuses a key for a toolkit that is not one of the project's", async () => {
      const toolkit = await given.store.toolkits.ensure(given.foreign.id, 'weather', 1)
      await expect(given.store.keys.insert(newKey(given.project, { toolkitId: toolkit.id }))).rejects.toThrow()
      await expect(given.store.keys.insert(newKey(given.project, { toolkitId: newId() }))).rejects.toThrow()
    })

    it('finds a key of any project by its hash, and says the hash', async () => {
      const key = await given.store.keys.insert(newKey(given.foreign, { hash: 'known' }))
      expect(await given.store.keys.findByHash('known')).toEqual({ ...key, hash: 'known' })
      expect(await given.store.keys.findByHash('unknown')).toBeUndefined()
    })

    it('finds revoked and expired keys by their hash too', async () => {
      const revoked = await given.store.keys.insert(newKey(given.project, { hash: 'revoked' }))
      await given.store.keys.revoke(given.project.id, revoked.id, 5)
      await given.store.keys.insert(newKey(given.project, { hash: 'expired', expiresAt: 2 }))
      expect(await given.store.keys.findByHash('revoked')).toMatchObject({ revokedAt: 5 })
      expect(await given.store.keys.findByHash('expired')).toMatchObject({ expiresAt: 2 })
    })

    it('treats a key of another project like one that is not there', async () => {
      const key = await given.store.keys.insert(newKey(given.foreign))
      expect(await given.store.keys.find(given.project.id, key.id)).toBeUndefined()
      expect(await given.store.keys.revoke(given.project.id, key.id, 5)).toBeUndefined()
      expect(await given.store.keys.list(given.project.id)).toEqual([])
      expect(await given.store.keys.find(given.foreign.id, key.id)).toEqual(key)
    })

    it('lists the newest key first', async () => {
      const keys = [
        newKey(given.project, { createdAt: 2 }),
        newKey(given.project, { createdAt: 1 }),
        newKey(given.project, { createdAt: 3 }),
      ]
      const sameTime = newKey(given.project, { createdAt: 3 })
      for (const key of [sameTime, ...keys]) await given.store.keys.insert(key)
      const listed = await given.store.keys.list(given.project.id)
      expect(listed.map(({ id }) => id)).toEqual([sameTime.id, keys[2]?.id, keys[0]?.id, keys[1]?.id])
    })

    it('sets the time of revocation once', async () => {
      const key = await given.store.keys.insert(newKey(given.project))
      expect(await given.store.keys.revoke(given.project.id, key.id, 5)).toEqual({ ...key, revokedAt: 5 })
      expect(await given.second.keys.revoke(given.project.id, key.id, 6)).toEqual({ ...key, revokedAt: 5 })
      expect(await given.store.keys.revoke(given.project.id, newId(), 6)).toBeUndefined()
    })

    it('tells which keys of any project were revoked at or after a time', async () => {
      const ids: string[] = []
      for (const [owner, time] of [
        [given.project, 4],
        [given.project, 5],
        [given.foreign, 6],
      ] as const) {
        const key = await given.store.keys.insert(newKey(owner))
        await given.store.keys.revoke(owner.id, key.id, time)
        ids.push(key.id)
      }
      await given.store.keys.insert(newKey(given.project))
      expect(await given.store.keys.revokedSince(5)).toEqual(ids.slice(1))
      expect(await given.store.keys.revokedSince(7)).toEqual([])
    })

    it('binds an unbound toolkit key once', async () => {
      const key = await given.store.keys.insert(newKey(given.project))
      const weather = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      const traffic = await given.store.toolkits.ensure(given.project.id, 'traffic', 1)
      expect(await given.store.keys.bindToolkit(key.id, weather.id)).toBe(weather.id)
      expect(await given.second.keys.bindToolkit(key.id, traffic.id)).toBe(weather.id)
      expect(await given.store.keys.find(given.project.id, key.id)).toMatchObject({ toolkitId: weather.id })
    })

    it('gives two callers who bind at once the same toolkit', async () => {
      const key = await given.store.keys.insert(newKey(given.project))
      const weather = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      const traffic = await given.store.toolkits.ensure(given.project.id, 'traffic', 1)
      const bound = await Promise.all([
        given.store.keys.bindToolkit(key.id, weather.id),
        given.second.keys.bindToolkit(key.id, traffic.id),
      ])
      expect(new Set(bound).size).toBe(1)
    })

    it('binds neither a toolkit of another project, nor a key of another kind, nor a key that is not there', async () => {
      const key = await given.store.keys.insert(newKey(given.project))
      const llmKey = await given.store.keys.insert(newKey(given.project, { kind: 'llm' }))
      const ours = await given.store.toolkits.ensure(given.project.id, 'weather', 1)
      const theirs = await given.store.toolkits.ensure(given.foreign.id, 'weather', 1)
      const refusal = expect.objectContaining({ code: 'not_found' })
      await expect(given.store.keys.bindToolkit(key.id, theirs.id)).rejects.toEqual(refusal)
      await expect(given.store.keys.bindToolkit(key.id, newId())).rejects.toEqual(refusal)
      await expect(given.store.keys.bindToolkit(llmKey.id, ours.id)).rejects.toEqual(refusal)
      await expect(given.store.keys.bindToolkit(newId(), ours.id)).rejects.toEqual(refusal)
      expect(await given.store.keys.find(given.project.id, key.id)).toMatchObject({ toolkitId: null })
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
