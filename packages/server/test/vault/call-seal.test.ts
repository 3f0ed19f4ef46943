import { createSecretKey, hkdfSync } from 'node:crypto'
import { silentLogger } from '@atp/core'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { ClaimHolder } from '../../src/store/durable-store.ts'
import { createGroupedDurableStore } from '../../src/store/grouped-durable-store.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Project, Store, StoredDataKey } from '../../src/store/store.ts'
import { type CallPlace, type CallSeal, createCallSeal } from '../../src/vault/call-seal.ts'
import { open } from '../../src/vault/envelope.ts'
import { insertSealed, openHolder } from '../../src/vault/insert-sealed.ts'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'
import { rotateVault } from '../../src/vault/rotate-vault.ts'
import { createVault } from '../../src/vault/vault.ts'
import { DurableRows, now } from '../store/contract/durable-rows.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'

const entry = generateMasterKey().entry
const newerEntry = generateMasterKey().entry
const masterKeys = parseMasterKeys(entry)
const bothKeys = parseMasterKeys(`${newerEntry},${entry}`)
const unreadable = { code: 'vault_unreadable' }

let store: Store
let project: Project
let foreign: Project
let seal: CallSeal

beforeEach(async () => {
  store = await openSqliteStore({ folder: await temporaryFolder(), serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  project = await store.projects.ensure('ours', 1)
  foreign = await store.projects.ensure('theirs', 1)
  seal = createCallSeal({ store, masterKeys })
})

function requestOf(callId: string, { id: projectId }: Project = project): CallPlace & { part: 'request' } {
  return { projectId, callId, part: 'request' }
}

/** A seal that remembers no keys. */
function fresh(keys = masterKeys): CallSeal {
  return createCallSeal({ store, masterKeys: keys })
}

/** Rotates the data keys, as another process does. */
function rotate(keys = masterKeys) {
  return rotateVault({ store, vault: createVault({ store, masterKeys: keys }), masterKeys: keys, dataKeys: true })
}

describe('a sealed part of a call', () => {
  it('is opened by any process with the keys, and says nothing of what is in it', async () => {
    const bytes = Buffer.from('{"city":"Vienna"}')
    const part = await seal.seal(requestOf('one'), bytes)
    expect(part.sealed).toMatch(new RegExp(`^v1\\.${part.dataKeyId}\\.[\\w-]+$`))
    expect(Buffer.from(part.sealed.split('.')[2] ?? '', 'base64url').includes('Vienna')).toBe(false)
    expect(await fresh().open(requestOf('one'), part)).toEqual(bytes)
    expect((await seal.seal(requestOf('one'), bytes)).sealed).not.toBe(part.sealed)
    const empty = await seal.seal(requestOf('one'), Buffer.alloc(0))
    expect(await seal.open(requestOf('one'), empty)).toHaveLength(0)
  })

  it('cannot be read in the place of another call, part, project or data key', async () => {
    const part = await seal.seal(requestOf('one'), Buffer.from('x'))
    const theirs = await seal.seal(requestOf('one', foreign), Buffer.from('x'))
    const places: CallPlace[] = [requestOf('two'), { ...requestOf('one'), part: 'outcome' }, requestOf('one', foreign)]
    for (const place of places) await expect(seal.open(place, part)).rejects.toMatchObject(unreadable)
    const moved = { dataKeyId: theirs.dataKeyId, sealed: part.sealed.replace(part.dataKeyId, theirs.dataKeyId) }
    await expect(seal.open(requestOf('one', foreign), moved)).rejects.toMatchObject(unreadable)
    await expect(seal.open(requestOf('one'), { ...part, dataKeyId: 'unknown' })).rejects.toMatchObject(unreadable)
    await expect(seal.open(requestOf('one'), { ...part, sealed: '' })).rejects.toMatchObject(unreadable)
  })

  it('cannot be read once a bit of it is another', async () => {
    const { dataKeyId, sealed } = await seal.seal(requestOf('one'), Buffer.from('x'))
    const [version, id, body = ''] = sealed.split('.')
    const bytes = Buffer.from(body, 'base64url')
    for (let place = 0; place < bytes.length; place += 1) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(place) ^ 1, place)
      const part = { dataKeyId, sealed: `${version}.${id}.${changed.toString('base64url')}` }
      await expect(seal.open(requestOf('one'), part)).rejects.toMatchObject(unreadable)
    }
  })

  it('is encrypted with a key that is derived for it alone', async () => {
    const bytes = Buffer.from('x')
    const { dataKeyId, sealed } = await seal.seal(requestOf('one'), bytes)
    const stored = (await store.dataKeys.find(project.id, dataKeyId)) as StoredDataKey
    const dataKey = open(masterKeys.newest.key, stored.masterKeyId, ['data-key', project.id, dataKeyId], stored.wrapped)
    // What is stored must be readable by every later version: this is its form.
    const openAs = (info: string[]): Buffer => {
      const key = hkdfSync('sha256', dataKey, '', JSON.stringify(info), 32)
      const binding = ['call', project.id, 'one', 'request']
      return open(createSecretKey(Buffer.from(key)), dataKeyId, binding, sealed)
    }
    expect(openAs(['atp-call-v1', 'one', 'request'])).toEqual(bytes)
    expect(() => openAs(['atp-call-v1', 'two', 'request'])).toThrow(expect.objectContaining(unreadable))
    expect(() => openAs(['atp-call-v1', 'one', 'outcome'])).toThrow(expect.objectContaining(unreadable))
  })

  it('counts nothing against the limit of its data key', async () => {
    const { dataKeyId } = await seal.seal(requestOf('one'), Buffer.from('x'))
    await seal.seal({ ...requestOf('one'), part: 'outcome', dataKeyId }, Buffer.from('x'))
    expect(await store.dataKeys.findActive(project.id)).toMatchObject({ id: dataKeyId, retiredAt: null })
  })
})

describe('while keys are rotated', () => {
  let rows: DurableRows
  beforeEach(async () => {
    for (const { id } of [project, foreign]) await seal.seal({ ...requestOf('any'), projectId: id }, Buffer.alloc(0))
    rows = await DurableRows.create({ store, second: store, project, foreign })
  })

  async function storeCall(callId: string) {
    const { dataKeyId: _, request: __, ...call } = rows.call({ id: callId })
    const writer = createGroupedDurableStore(store.durable)
    return insertSealed({ seal, writer }, call, Buffer.from(`request of ${callId}`))
  }

  it('reads what waits, and seals what comes under the new key', async () => {
    const { dataKeyId } = await storeCall('one')
    expect(await rotate()).toMatchObject({ retired: 2, removed: 1, kept: 1 })
    const next = await storeCall('two')
    expect(next).toEqual({ answer: { inserted: true }, dataKeyId: expect.not.stringMatching(dataKeyId) })
    for (const callId of ['one', 'two']) {
      const call = await store.durable.find(project.id, callId)
      const part = { dataKeyId: call?.dataKeyId ?? '', sealed: call?.request ?? '' }
      for (const one of [seal, fresh()]) {
        expect(String(await one.open(requestOf(callId), part))).toBe(`request of ${callId}`)
      }
    }
  })

  it('ends a call under the key it began with, and forgets the key with the call', async () => {
    const { dataKeyId } = await storeCall('one')
    await rotate()
    const place = { ...requestOf('one'), part: 'outcome' as const }
    const part = await fresh().seal({ ...place, dataKeyId }, Buffer.from('outcome'))
    expect(part.dataKeyId).toBe(dataKeyId)
    const outcome = rows.outcome({ id: 'one', projectId: project.id, dataKeyId }, { expiresAt: now })
    expect(await store.durable.finish([{ ...outcome, outcome: part.sealed }])).toEqual(['ended'])
    // Nothing is left to encrypt, so that another rotation may begin.
    await storeCall('two')
    expect(await rotate()).toMatchObject({ retired: 1, removed: 0, kept: 2 })
    const stored = await store.durable.outcome(project.id, 'one')
    expect(String(await fresh().open(place, { dataKeyId, sealed: stored?.outcome ?? '' }))).toBe('outcome')
    await store.durable.purge(now, 0, 100)
    expect(await store.dataKeys.find(project.id, dataKeyId)).toBeUndefined()
    expect(await rotate()).toMatchObject({ kept: 1 })
  })

  it('reads what waits after its data key was wrapped by a newer master key', async () => {
    const { dataKeyId, sealed } = await seal.seal(requestOf('one'), Buffer.from('x'))
    const vault = createVault({ store, masterKeys: bothKeys })
    expect(await rotateVault({ store, vault, masterKeys: bothKeys })).toMatchObject({ wrapped: 2, kept: 0 })
    const newest = fresh(parseMasterKeys(newerEntry))
    expect(String(await newest.open(requestOf('one'), { dataKeyId, sealed }))).toBe('x')
    await expect(fresh().open(requestOf('one'), { dataKeyId, sealed })).rejects.toMatchObject(unreadable)
  })

  it('gives up storing a call when every key it takes is retired at once', async () => {
    const { dataKeyId: _, request: __, ...call } = rows.call()
    const writer = { insert: async () => ({ inserted: false, retired: true }) as const }
    await expect(insertSealed({ seal, writer }, call, Buffer.from('x'))).rejects.toThrow('No data key in use')
  })

  it('tells which call holds a claim', async () => {
    const writer = createGroupedDurableStore(store.durable)
    const { call: first, claim } = rows.claiming()
    await insertSealed({ seal, writer }, first, Buffer.from('x'), claim)
    const { answer } = await insertSealed({ seal, writer }, rows.call(), Buffer.from('x'), claim)
    expect(answer).toEqual({ inserted: false, existing: { callId: first.id, fingerprint: 'print' } })
  })

  it('keeps the fingerprint of a claim sealed, and readable after keys were rotated', async () => {
    const writer = createGroupedDurableStore(store.durable)
    const { call: first, claim } = rows.claiming()
    const { dataKeyId } = await insertSealed({ seal, writer }, first, Buffer.from('x'), claim)
    const holder = (await store.durable.claimHolder(first, claim, now)) as ClaimHolder
    expect(holder.fingerprint).toMatch(new RegExp(`^v1\\.${dataKeyId}\\.[\\w-]+$`))
    expect(await rotate()).toMatchObject({ retired: 2, kept: 1 })
    const opened = { callId: first.id, fingerprint: 'print' }
    expect(await openHolder(fresh(), project.id, holder)).toEqual(opened)
    const { answer } = await insertSealed({ seal: fresh(), writer }, rows.call(), Buffer.from('x'), claim)
    expect(answer).toEqual({ inserted: false, existing: opened })
    await expect(openHolder(seal, project.id, { ...holder, callId: 'other' })).rejects.toMatchObject(unreadable)
    await expect(openHolder(seal, project.id, { ...holder, fingerprint: 'print' })).rejects.toMatchObject(unreadable)
  })
})
