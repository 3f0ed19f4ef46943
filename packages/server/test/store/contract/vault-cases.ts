import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import type { Project, StoredDataKey, StoredSecret } from '../../../src/store/store.ts'
import { DurableRows, now } from './durable-rows.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of data keys and secrets in every store. */
export function describeVault(given: StoreContext): void {
  describe('data keys', () => {
    it('makes a key that is not there, and gives the same one afterwards', async () => {
      const key = newDataKey(given.project)
      expect(await given.store.dataKeys.ensure(key)).toEqual({ ...key, retiredAt: null })
      expect(await given.second.dataKeys.ensure(newDataKey(given.project))).toEqual({ ...key, retiredAt: null })
      expect(await given.second.dataKeys.findActive(given.project.id)).toEqual({ ...key, retiredAt: null })
      expect(await given.second.dataKeys.find(given.project.id, key.id)).toEqual({ ...key, retiredAt: null })
    })

    it('gives two callers at once the same key', async () => {
      const made = await Promise.all(
        [given.store, given.second, given.store].map((one) => one.dataKeys.ensure(newDataKey(given.project))),
      )
      expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    })

    it('treats a key of another project like one that is not there', async () => {
      const { id, wrapped } = await given.store.dataKeys.ensure(newDataKey(given.foreign))
      const { dataKeys } = given.store
      expect(await dataKeys.find(given.project.id, id)).toBeUndefined()
      expect(await dataKeys.findActive(given.project.id)).toBeUndefined()
      expect(await dataKeys.retire(given.project.id, id, 5)).toBe(false)
      const change = { projectId: given.project.id, id, masterKeyId: 'k2', wrapped: 'other' }
      expect(await dataKeys.rewrap(change, wrapped)).toBe(false)
      expect(await dataKeys.removeUnused(given.project.id, id)).toBe(false)
      expect(await dataKeys.findActive(given.foreign.id)).toMatchObject({ id, retiredAt: null, wrapped })
    })

    it('replaces a wrapping only where it is the one that was read', async () => {
      const key = await given.store.dataKeys.ensure(newDataKey(given.project))
      const change = { projectId: key.projectId, id: key.id, masterKeyId: 'k2', wrapped: 'again' }
      expect(await given.store.dataKeys.rewrap(change, 'something else')).toBe(false)
      expect(await given.store.dataKeys.rewrap(change, key.wrapped)).toBe(true)
      expect(await given.second.dataKeys.find(key.projectId, key.id)).toEqual({ ...key, ...change })
    })

    it('retires a key once, and makes another one after that', async () => {
      const first = await given.store.dataKeys.ensure(newDataKey(given.project))
      expect(await given.store.dataKeys.retire(given.project.id, first.id, 5)).toBe(true)
      expect(await given.store.dataKeys.retire(given.project.id, first.id, 6)).toBe(false)
      const next = await given.store.dataKeys.ensure(newDataKey(given.project))
      expect(next.id).not.toBe(first.id)
      expect(await given.store.dataKeys.find(given.project.id, first.id)).toMatchObject({ retiredAt: 5 })
    })

    it('retires the keys of all projects', async () => {
      await given.store.dataKeys.ensure(newDataKey(given.project))
      await given.store.dataKeys.ensure(newDataKey(given.foreign))
      expect(await given.store.dataKeys.retireAll(5)).toBe(2)
      expect(await given.store.dataKeys.retireAll(6)).toBe(0)
      expect((await given.second.dataKeys.summarize()).map(({ retiredAt }) => retiredAt)).toEqual([5, 5])
    })

    it('deletes a key only when it is retired and no secret needs it', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const secret = newSecret(given.project, id)
      await given.store.secrets.put(secret, 1)
      const remove = (): Promise<boolean> => given.store.dataKeys.removeUnused(given.project.id, id)
      expect(await remove()).toBe(false)
      await given.store.dataKeys.retire(given.project.id, id, 5)
      expect(await remove()).toBe(false)
      await given.store.secrets.removeOwner(given.project.id, 'connection', secret.ownerId)
      expect(await remove()).toBe(true)
      expect(await given.store.dataKeys.find(given.project.id, id)).toBeUndefined()
    })

    it('keeps a retired key while a call, a dead letter or an outcome needs it', async () => {
      const rows = await DurableRows.create(given)
      const { dataKeyId } = rows.call()
      const remove = (): Promise<boolean> => given.store.dataKeys.removeUnused(given.project.id, dataKeyId)
      const needed = async () =>
        (await given.second.dataKeys.summarize())
          .filter(({ calls }) => calls)
          .map(({ id, secrets }) => ({ id, secrets }))
      expect(await needed()).toEqual([])
      const call = await rows.stored()
      const letter = await rows.dead()
      await given.store.dataKeys.retireAll(5)
      for (const forget of [
        () => given.store.durable.finish([rows.outcome(call, { expiresAt: now })]),
        () => given.store.durable.purge(now, 0, 10),
        () => given.store.durable.dropDead(given.project.id, letter.id),
      ]) {
        expect(await needed()).toEqual([{ id: dataKeyId, secrets: 0 }])
        expect(await remove()).toBe(false)
        await forget()
      }
      // The outcome of the dead letter.
      expect(await remove()).toBe(false)
      await given.store.durable.purge(now + 86_400_000, 0, 10)
      expect(await given.store.dataKeys.find(given.project.id, dataKeyId)).toBeUndefined()
      expect(await needed()).toEqual([])
    })

    it('never deletes a key under which a call is stored at the same time', async () => {
      for (let round = 0; round < 10; round += 1) {
        const rows = await DurableRows.create(given)
        const call = rows.call()
        const { projectId, dataKeyId } = call
        const retiring = given.second.dataKeys.retire(projectId, dataKeyId, 5)
        const [[answer]] = await Promise.all([given.store.durable.insert([{ call }]), retiring])
        const removed = await given.second.dataKeys.removeUnused(projectId, dataKeyId)
        expect(removed).toBe(!answer?.inserted)
      }
    })

    it('tells how many secrets each key of all projects holds', async () => {
      const ours = await given.store.dataKeys.ensure(newDataKey(given.project))
      const theirs = await given.store.dataKeys.ensure(newDataKey(given.foreign))
      for (let count = 0; count < 2; count += 1) await given.store.secrets.put(newSecret(given.project, ours.id), 1)
      const found = await given.second.dataKeys.summarize()
      expect(found).toHaveLength(2)
      expect(found).toEqual(
        expect.arrayContaining([
          { projectId: given.project.id, id: ours.id, masterKeyId: 'k1', retiredAt: null, secrets: 2, calls: false },
          { projectId: given.foreign.id, id: theirs.id, masterKeyId: 'k1', retiredAt: null, secrets: 0, calls: false },
        ]),
      )
    })
  })

  describe('secrets', () => {
    it('keeps a secret as it was given, and writes over it', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const secret = newSecret(given.project, id)
      expect(await given.store.secrets.find(secret)).toBeUndefined()
      expect(await given.store.secrets.put(secret, 1)).toBe(true)
      expect(await given.second.secrets.find(secret)).toEqual(secret)
      expect(await given.second.secrets.put({ ...secret, ciphertext: 'newer' }, 2)).toBe(true)
      expect(await given.store.secrets.find(secret)).toEqual({ ...secret, ciphertext: 'newer' })
    })

    it('writes nothing with a data key that is retired, of another project or not there', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const secret = newSecret(given.project, id)
      expect(await given.store.secrets.put({ ...secret, dataKeyId: newId() }, 1)).toBe(false)
      expect(await given.store.secrets.put({ ...secret, projectId: given.foreign.id }, 1)).toBe(false)
      await given.store.dataKeys.retire(given.project.id, id, 5)
      expect(await given.store.secrets.put(secret, 1)).toBe(false)
      expect(await given.store.secrets.find(secret)).toBeUndefined()
    })

    it('replaces a ciphertext only where it is the one that was read', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const secret = newSecret(given.project, id)
      await given.store.secrets.put(secret, 1)
      const change = { ...secret, ciphertext: 'newer' }
      expect(await given.store.secrets.replace(change, 'something else', 2)).toBe(false)
      expect(await given.store.secrets.replace({ ...change, dataKeyId: newId() }, secret.ciphertext, 2)).toBe(false)
      expect(await given.second.secrets.find(secret)).toEqual(secret)
      expect(await given.store.secrets.replace(change, secret.ciphertext, 2)).toBe(true)
      expect(await given.second.secrets.find(secret)).toEqual(change)
    })

    it('treats a secret of another project like one that is not there', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.foreign))
      const secret = newSecret(given.foreign, id)
      await given.store.secrets.put(secret, 1)
      expect(await given.store.secrets.find({ ...secret, projectId: given.project.id })).toBeUndefined()
      await given.store.secrets.removeOwner(given.project.id, 'connection', secret.ownerId)
      expect(await given.store.secrets.listByDataKey(given.project.id, id, 10)).toEqual([])
      expect(await given.store.secrets.find(secret)).toEqual(secret)
    })

    it('lists the secrets of a data key in pages, ordered by address', async () => {
      const { id } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const secrets = ['a', 'b', 'c'].flatMap((ownerId) =>
        ['access', 'refresh'].map((field) => ({ ...newSecret(given.project, id), ownerId, field })),
      )
      secrets.push({ ...newSecret(given.project, id), ownerKind: 'key', ownerId: '0', field: 'endpoint' })
      for (const secret of secrets.toReversed()) await given.store.secrets.put(secret, 1)
      const pages: StoredSecret[][] = []
      do pages.push(await given.second.secrets.listByDataKey(given.project.id, id, 2, pages.at(-1)?.at(-1)))
      while (pages.at(-1)?.length)
      expect(pages.map(({ length }) => length)).toEqual([2, 2, 2, 1, 0])
      expect(pages.flat()).toEqual(secrets)
    })

    it('deletes all secrets of a key that is revoked, and of no other', async () => {
      const { id: dataKeyId } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const [first, second] = await Promise.all([insertKey(given, null), insertKey(given, null)])
      const ours = { ...newSecret(given.project, dataKeyId), ownerKind: 'key', ownerId: first } as const
      const other = { ...ours, ownerId: second }
      const connection = { ...ours, ownerKind: 'connection' } as const
      for (const secret of [ours, { ...ours, field: 'more' }, other, connection]) {
        await given.store.secrets.put(secret, 1)
      }
      await given.second.keys.revoke(given.project.id, first, 5)
      expect(await given.store.secrets.listByDataKey(given.project.id, dataKeyId, 10)).toEqual([connection, other])
    })

    it('deletes the secrets of keys that were revoked or have expired', async () => {
      const { id: dataKeyId } = await given.store.dataKeys.ensure(newDataKey(given.project))
      const ids = await Promise.all([null, 10, 11].map((expiresAt) => insertKey(given, expiresAt)))
      const revoked = await insertKey(given, null)
      await given.store.keys.revoke(given.project.id, revoked, 5)
      for (const ownerId of [...ids, revoked]) {
        await given.store.secrets.put({ ...newSecret(given.project, dataKeyId), ownerKind: 'key', ownerId }, 1)
      }
      await given.store.secrets.removeOfEndedKeys(10)
      const left = await given.store.secrets.listByDataKey(given.project.id, dataKeyId, 10)
      expect(left.map(({ ownerId }) => ownerId)).toEqual([ids[0], ids[2]].sort())
    })
  })
}

async function insertKey({ store, project }: StoreContext, expiresAt: number | null): Promise<string> {
  const id = newId()
  const key = { id, projectId: project.id, kind: 'toolkit', name: '', toolkitId: null, hash: id } as const
  await store.keys.insert({ ...key, createdAt: 1, expiresAt })
  return id
}

function newDataKey(project: Project): Omit<StoredDataKey, 'retiredAt'> {
  const id = newId()
  return { projectId: project.id, id, masterKeyId: 'k1', wrapped: `v1.k1.${id}`, createdAt: 1 }
}

function newSecret(project: Project, dataKeyId: string): StoredSecret {
  const id = newId()
  return {
    projectId: project.id,
    ownerKind: 'connection',
    ownerId: id,
    field: 'access_token',
    dataKeyId,
    ciphertext: `v1.${dataKeyId}.${id}`,
  }
}
