import { isAtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { newId } from '../../src/keys/ids.ts'
import { generateKey, hashKey } from '../../src/keys/key-format.ts'
import { createKeyService, type KeyService } from '../../src/keys/key-service.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoredKey } from '../../src/store/store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'

let store: Store
let keys: KeyService
let projectId: string
let foreignId: string
let clock: number
let revoked: StoredKey[]

beforeEach(async () => {
  store = await openSqliteStore({ folder: await temporaryFolder(), serve: false, logger: silentLogger })
  onTestFinished(() => store.close())
  clock = 1_000
  revoked = []
  keys = createKeyService({ store, now: () => clock, onRevoked: (key) => revoked.push(key) })
  projectId = (await store.projects.ensure('ours', clock)).id
  foreignId = (await store.projects.ensure('theirs', clock)).id
})

afterEach(() => {
  vi.useRealTimers()
})

async function refusalOf(action: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAtpError(error)) throw new Error(`not refused with an AtpError: ${String(error)}`)
  return { code: error.code, message: error.message }
}

describe('making a key', () => {
  it('gives the key once, and keeps only its hash', async () => {
    const created = await keys.create({ projectId, kind: 'llm', name: 'my app' })
    expect(created).toEqual({ id: created.id, kind: 'llm', name: 'my app', key: created.key })
    const stored = await store.keys.findByHash(hashKey(created.key))
    expect(stored).toMatchObject({ id: created.id, projectId, kind: 'llm', name: 'my app', createdAt: 1_000 })
    expect(JSON.stringify(stored)).not.toContain(created.key)
  })

  it('makes the toolkit that a toolkit key is named after', async () => {
    const { id, name } = await keys.create({ projectId, kind: 'toolkit', name: 'Weather' })
    const toolkit = await store.toolkits.resolve(projectId, 'Weather')
    expect(name).toBe('Weather')
    expect(toolkit).toBeDefined()
    expect(await store.keys.find(projectId, id)).toMatchObject({ toolkitId: toolkit?.id })
  })

  it('adds a key to a toolkit that is there', async () => {
    const toolkit = await store.toolkits.ensure(projectId, 'Weather', 1)
    const created = await keys.create({ projectId, kind: 'toolkit', name: 'second key', toolkitName: 'Weather' })
    expect(created.name).toBe('second key')
    expect(await store.keys.find(projectId, created.id)).toMatchObject({ toolkitId: toolkit.id })
    expect(await store.toolkits.list(projectId)).toEqual([toolkit])
  })

  it('leaves a toolkit key without a name unbound', async () => {
    for (const request of [
      { projectId, kind: 'toolkit' } as const,
      { projectId, kind: 'toolkit', name: '' } as const,
    ]) {
      const { id, name } = await keys.create(request)
      expect(name).toBe('')
      expect(await store.keys.find(projectId, id)).toMatchObject({ name: '', toolkitId: null })
    }
    expect(await store.toolkits.list(projectId)).toEqual([])
  })

  it('takes a key of another kind without a name, and makes no toolkit of its name', async () => {
    expect(await keys.create({ projectId, kind: 'admin' })).toMatchObject({ name: '' })
    await keys.create({ projectId, kind: 'llm', name: 'app' })
    expect(await store.toolkits.list(projectId)).toEqual([])
  })

  it.each(['x'.repeat(129), ' ', 'line\nbreak', '\u0000'])('refuses the name %j for any kind', async (name) => {
    for (const kind of ['toolkit', 'llm', 'admin'] as const) {
      expect(await refusalOf(keys.create({ projectId, kind, name }))).toMatchObject({ code: 'invalid_name' })
    }
    const named = keys.create({ projectId, kind: 'toolkit', name: 'fine', toolkitName: name })
    expect(await refusalOf(named)).toMatchObject({ code: 'invalid_name' })
    expect(await store.keys.list(projectId)).toEqual([])
    expect(await store.toolkits.list(projectId)).toEqual([])
  })

  it('refuses an empty toolkit name', async () => {
    const named = keys.create({ projectId, kind: 'toolkit', name: 'fine', toolkitName: '' })
    expect(await refusalOf(named)).toMatchObject({ code: 'invalid_name' })
  })

  it('takes a name of 128 characters', async () => {
    expect(await keys.create({ projectId, kind: 'toolkit', name: 'x'.repeat(128) })).toMatchObject({ kind: 'toolkit' })
  })

  it('refuses a toolkit for a key that stands for none', async () => {
    const refusal = await refusalOf(keys.create({ projectId, kind: 'llm', name: 'app', toolkitName: 'weather' }))
    expect(refusal).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('"llm"') })
  })

  it.each([1_000, 999, 0, 2_000.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the expiry %d',
    async (expiresAt) => {
      const refusal = await refusalOf(keys.create({ projectId, kind: 'llm', expiresAt }))
      expect(refusal).toMatchObject({ code: 'invalid_request' })
    },
  )
})

describe('checking a key', () => {
  it('gives the stored key, without its hash', async () => {
    const { id, key } = await keys.create({ projectId, kind: 'llm', name: 'app' })
    const found = await keys.authenticate(key, ['admin', 'llm'])
    expect(found).toEqual(await store.keys.find(projectId, id))
    expect(found).not.toHaveProperty('hash')
  })

  it('refuses malformed, unknown, revoked and expired keys with one and the same error', async () => {
    const toRevoke = await keys.create({ projectId, kind: 'llm' })
    await keys.revoke(projectId, toRevoke.id)
    const toExpire = await keys.create({ projectId, kind: 'llm', expiresAt: 2_000 })
    clock = 2_000
    const texts = ['', 'nonsense', `${toExpire.key}x`, generateKey('llm'), toRevoke.key, toExpire.key]
    const refusals = await Promise.all(texts.map((text) => refusalOf(keys.authenticate(text, ['llm']))))
    expect(refusals[0]?.code).toBe('unauthorized')
    expect(new Set(refusals.map(({ message }) => message)).size).toBe(1)
    expect(refusals).toEqual(refusals.map(() => refusals[0]))
  })

  it('serves a key until the millisecond it expires', async () => {
    const { key } = await keys.create({ projectId, kind: 'llm', expiresAt: 2_000 })
    clock = 1_999
    expect(await keys.authenticate(key, ['llm'])).toMatchObject({ expiresAt: 2_000 })
  })

  it('says of a valid key of the wrong kind which kind is needed and which it is', async () => {
    const { key } = await keys.create({ projectId, kind: 'toolkit' })
    const { code, message } = await refusalOf(keys.authenticate(key, ['llm', 'admin']))
    expect(code).toBe('forbidden')
    expect(message).toBe('This needs a key of kind "llm" or "admin", the key given is of kind "toolkit"')
  })

  it('tells nothing of the kind of a revoked key', async () => {
    const { id, key } = await keys.create({ projectId, kind: 'toolkit' })
    await keys.revoke(projectId, id)
    expect(await refusalOf(keys.authenticate(key, ['llm']))).toMatchObject({ code: 'unauthorized' })
  })

  it('does not ask the store about a text with a wrong checksum', async () => {
    let asked = 0
    const findByHash: Store['keys']['findByHash'] = async () => {
      asked += 1
      return undefined
    }
    const counting = createKeyService({ store: { ...store, keys: { ...store.keys, findByHash } } })
    const key = generateKey('llm')
    const wrong = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
    await refusalOf(counting.authenticate(wrong, ['llm']))
    expect(asked).toBe(0)
    await refusalOf(counting.authenticate(key, ['llm']))
    expect(asked).toBe(1)
  })

  it('refuses a key whose stored hash is another one', async () => {
    const { key } = await keys.create({ projectId, kind: 'llm' })
    const found = await store.keys.findByHash(hashKey(key))
    const findByHash: Store['keys']['findByHash'] = async () => found && { ...found, hash: hashKey('another') }
    const confused = createKeyService({ store: { ...store, keys: { ...store.keys, findByHash } } })
    expect(await refusalOf(confused.authenticate(key, ['llm']))).toMatchObject({ code: 'unauthorized' })
  })
})

describe('a key that was checked a moment ago', () => {
  it('is not looked up again, and its expiry is checked each time', async () => {
    const { key } = await keys.create({ projectId, kind: 'llm', expiresAt: 2_000 })
    const findByHash = vi.spyOn(store.keys, 'findByHash')
    for (const time of [1_000, 1_500, 1_999]) {
      clock = time
      await keys.authenticate(key, ['llm'])
    }
    clock = 2_000
    expect(await refusalOf(keys.authenticate(key, ['llm']))).toMatchObject({ code: 'unauthorized' })
    expect(findByHash).toHaveBeenCalledTimes(1)
  })

  it('opens no door of another kind', async () => {
    const { key } = await keys.create({ projectId, kind: 'llm' })
    await keys.authenticate(key, ['llm'])
    expect(await refusalOf(keys.authenticate(key, ['admin']))).toMatchObject({ code: 'forbidden' })
  })

  it('is refused at once when it is revoked here, also while the store is being asked for it', async () => {
    const { id, key } = await keys.create({ projectId, kind: 'llm' })
    await keys.authenticate(key, ['llm'])
    const other = await keys.create({ projectId, kind: 'llm' })
    const { findByHash } = store.keys
    vi.spyOn(store.keys, 'findByHash').mockImplementationOnce(async (hash) => {
      const found = await findByHash.call(store.keys, hash)
      await keys.revoke(projectId, other.id)
      return found
    })
    expect(await refusalOf(keys.authenticate(other.key, ['llm']))).toMatchObject({ code: 'unauthorized' })
    await keys.revoke(projectId, id)
    for (const text of [key, other.key]) {
      expect(await refusalOf(keys.authenticate(text, ['llm']))).toMatchObject({ code: 'unauthorized' })
    }
  })

  it('is refused a second after another process revoked it, though nobody tells, and at once where somebody does', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const elsewhere = createKeyService({ store })
    const [silent, told] = [
      await keys.create({ projectId, kind: 'llm' }),
      await keys.create({ projectId, kind: 'llm' }),
    ]
    for (const { id, key } of [silent, told]) {
      await keys.authenticate(key, ['llm'])
      await elsewhere.revoke(projectId, id)
    }
    keys.forget(told.id)
    expect(await refusalOf(keys.authenticate(told.key, ['llm']))).toMatchObject({ code: 'unauthorized' })
    // Being used does not prolong it.
    vi.advanceTimersByTime(999)
    await keys.authenticate(silent.key, ['llm'])
    vi.advanceTimersByTime(1)
    expect(await refusalOf(keys.authenticate(silent.key, ['llm']))).toMatchObject({ code: 'unauthorized' })
  })

  it('stands for a toolkit from the moment it was bound to it', async () => {
    const { key } = await keys.create({ projectId, kind: 'toolkit' })
    const unbound = await keys.authenticate(key, ['toolkit'])
    expect(unbound.toolkitId).toBeNull()
    const { id } = await store.toolkits.ensure(projectId, 'Weather', 1)
    await store.keys.bindToolkit(unbound.id, id)
    expect((await keys.authenticate(key, ['toolkit'])).toolkitId).toBe(id)
  })
})

describe('listing keys', () => {
  it('gives the keys of one project, newest first', async () => {
    const first = await keys.create({ projectId, kind: 'llm' })
    clock += 1
    const second = await keys.create({ projectId, kind: 'admin' })
    await keys.create({ projectId: foreignId, kind: 'llm' })
    expect((await keys.list(projectId)).map(({ id }) => id)).toEqual([second.id, first.id])
  })
})

describe('revoking a key', () => {
  it('ends it at once, and tells who holds something open with it', async () => {
    const { id, key } = await keys.create({ projectId, kind: 'llm' })
    clock = 5_000
    expect(await keys.revoke(projectId, id)).toMatchObject({ id, revokedAt: 5_000 })
    expect(revoked.map((one) => one.id)).toEqual([id])
    expect(await refusalOf(keys.authenticate(key, ['llm']))).toMatchObject({ code: 'unauthorized' })
  })

  it('changes nothing the second time', async () => {
    const { id } = await keys.create({ projectId, kind: 'llm' })
    const first = await keys.revoke(projectId, id)
    clock += 1
    expect(await keys.revoke(projectId, id)).toEqual(first)
  })

  it('treats a key of another project like one that is not there', async () => {
    const { id, key } = await keys.create({ projectId: foreignId, kind: 'llm' })
    const missing = newId()
    const foreignRefusal = await refusalOf(keys.revoke(projectId, id))
    const missingRefusal = await refusalOf(keys.revoke(projectId, missing))
    expect(foreignRefusal.code).toBe('not_found')
    expect(foreignRefusal.message.replace(id, missing)).toBe(missingRefusal.message)
    expect(revoked).toEqual([])
    expect(await keys.authenticate(key, ['llm'])).toMatchObject({ id })
  })
})
