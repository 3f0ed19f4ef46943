import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { silentLogger } from '@atp/core'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { SecretAddress, Store } from '../../src/store/store.ts'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'
import { rotateVault } from '../../src/vault/rotate-vault.ts'
import { createVault, type Vault } from '../../src/vault/vault.ts'
import { readVaultStatus } from '../../src/vault/vault-status.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'

const entry = generateMasterKey().entry
const newerEntry = generateMasterKey().entry
const masterKeys = parseMasterKeys(entry)
const bothKeys = parseMasterKeys(`${newerEntry},${entry}`)
const unreadable = { code: 'vault_unreadable', message: expect.stringMatching(/^A secret in the vault cannot be read/) }

interface Given {
  folder: string
  store: Store
  vault: Vault
  projects: string[]
  /** Changes rows behind everybody's back. */
  sql: (text: string, ...values: string[]) => void
}

async function openVaultStore(): Promise<Given> {
  const folder = await temporaryFolder()
  const store = await openSqliteStore({ folder, serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  const projects = [await store.projects.ensure('ours', 1), await store.projects.ensure('theirs', 1)]
  const sql = (text: string, ...values: string[]): void => {
    const database = new DatabaseSync(join(folder, 'atp.sqlite'))
    database.exec('pragma foreign_keys=OFF')
    database.prepare(text).run(...values)
    database.close()
  }
  return { folder, store, vault: createVault({ store, masterKeys }), projects: projects.map(({ id }) => id), sql }
}

function address(projectId = '', ownerId = 'one', field = 'access_token'): SecretAddress {
  return { projectId, ownerKind: 'connection', ownerId, field }
}

/** A vault that has not read anything yet. */
function fresh({ store }: Given, keys = masterKeys): Vault {
  return createVault({ store, masterKeys: keys })
}

it('gives back what it was given, over a restart too, and the newest of two', async () => {
  const given = await openVaultStore()
  const [project] = given.projects
  expect(await given.vault.has(address(project))).toBe(false)
  expect(await given.vault.get(address(project))).toBeUndefined()
  await given.vault.put(address(project), Buffer.from('first'))
  await given.vault.put(address(project), Buffer.from('second'))
  expect(await given.vault.has(address(project))).toBe(true)
  expect((await fresh(given).get(address(project)))?.toString()).toBe('second')
})

it('gives each project a data key of its own', async () => {
  const given = await openVaultStore()
  for (const project of given.projects) await given.vault.put(address(project), Buffer.from('x'))
  const keys = await given.store.dataKeys.summarize()
  expect(new Set(keys.map(({ projectId }) => projectId)).size).toBe(2)
  expect(new Set(keys.map(({ id }) => id)).size).toBe(2)
})

it('refuses a ciphertext that was moved to another row, owner, field or project', async () => {
  const given = await openVaultStore()
  const [ours = '', theirs = ''] = given.projects
  const places = [
    address(ours),
    address(ours, 'two'),
    address(ours, 'one', 'refresh_token'),
    { ...address(ours), ownerKind: 'key' } as const,
    address(theirs),
  ]
  for (const [index, place] of places.entries()) await given.vault.put(place, Buffer.from(`secret ${index}`))
  const rows = await Promise.all(places.map((place) => given.store.secrets.find(place)))
  for (const [from, source] of rows.entries()) {
    for (const [to, place] of places.entries()) {
      if (from === to || source === undefined) continue
      given.sql(
        'update secrets set ciphertext = ?, data_key_id = ? where project_id = ? and owner_kind = ? and owner_id = ? and field = ?',
        source.ciphertext,
        source.dataKeyId,
        ...[place.projectId, place.ownerKind, place.ownerId, place.field],
      )
      await expect(fresh(given).get(place), `${from} at ${to}`).rejects.toMatchObject(unreadable)
      await expect(given.vault.get(place), `${from} at ${to}`).rejects.toMatchObject(unreadable)
    }
  }
})

it('refuses a data key that was moved to another project with its secret, or swapped with another', async () => {
  const given = await openVaultStore()
  const [ours = '', theirs = ''] = given.projects
  for (const project of given.projects) await given.vault.put(address(project), Buffer.from('x'))
  const [key, otherKey] = await Promise.all(given.projects.map((project) => given.store.dataKeys.findActive(project)))
  given.sql('update data_keys set wrapped = ? where id = ?', otherKey?.wrapped ?? '', key?.id ?? '')
  await expect(fresh(given).get(address(ours))).rejects.toMatchObject(unreadable)
  // Nothing is encrypted with a key that somebody else may know, either.
  await expect(fresh(given).put(address(ours), Buffer.from('new'))).rejects.toMatchObject(unreadable)
  given.sql('update data_keys set wrapped = ? where id = ?', key?.wrapped ?? '', key?.id ?? '')
  expect(String(await fresh(given).get(address(ours)))).toBe('x')
  // A whole tenant's rows, key and all, under another tenant's name.
  given.sql('delete from secrets where project_id = ?', theirs)
  given.sql('delete from data_keys where project_id = ?', theirs)
  given.sql('update data_keys set project_id = ?', theirs)
  given.sql('update secrets set project_id = ?', theirs)
  await expect(fresh(given).get(address(theirs))).rejects.toMatchObject(unreadable)
})

it('refuses a master key that is another one, one under the same id, and one that is not there', async () => {
  const given = await openVaultStore()
  const [project] = given.projects
  await given.vault.put(address(project), Buffer.from('x'))
  const id = masterKeys.newest.id
  const impostor = parseMasterKeys(`${id}:${generateMasterKey().entry.split(':')[1]}`)
  await expect(fresh(given, impostor).get(address(project))).rejects.toMatchObject(unreadable)
  await expect(fresh(given, parseMasterKeys(newerEntry)).get(address(project))).rejects.toMatchObject(unreadable)
  await expect(fresh(given, impostor).put(address(project), Buffer.from('y'))).rejects.toMatchObject(unreadable)
  expect(String(await fresh(given, bothKeys).get(address(project)))).toBe('x')
  given.sql('update secrets set data_key_id = ?', 'no-such-key')
  await expect(fresh(given).get(address(project))).rejects.toMatchObject(unreadable)
})

it('leaves no secret and no key in clear in the files, the errors or itself', async () => {
  const given = await openVaultStore()
  const [project] = given.projects
  const canary = 'canary-7d1f-secret-value'
  await given.vault.put(address(project), Buffer.from(canary))
  given.sql('update secrets set field = ?', 'moved')
  const error: unknown = await given.vault.get(address(project, 'one', 'moved')).catch((thrown: unknown) => thrown)
  const raw = masterKeys.newest.key.export()
  const needles = [canary, Buffer.from(canary).toString('base64').slice(0, 24), Buffer.from(canary).toString('hex')]
  needles.push(raw.toString('latin1'), raw.toString('base64'), raw.toString('base64url'), raw.toString('hex'))
  const files = await readdir(given.folder)
  const bytes = await Promise.all(files.map((file) => readFile(join(given.folder, file), 'latin1')))
  const shown = inspect([error, given.vault], { depth: 9, showHidden: true })
  expect(bytes.join('').length).toBeGreaterThan(1_000)
  for (const needle of needles) expect([...bytes, shown].some((text) => text.includes(needle))).toBe(false)
})

it('wraps data keys with the newest master key: the older one is not needed any more', async () => {
  const given = await openVaultStore()
  for (const project of given.projects) await given.vault.put(address(project), Buffer.from(`of ${project}`))
  const vault = fresh(given, bothKeys)
  const rotation = { store: given.store, vault, masterKeys: bothKeys }
  expect(await rotateVault(rotation)).toMatchObject({ wrapped: 2, encrypted: 0, unreadable: 0 })
  expect(await rotateVault(rotation)).toMatchObject({ wrapped: 0, encrypted: 0 })
  for (const project of given.projects) {
    expect(String(await fresh(given, parseMasterKeys(newerEntry)).get(address(project)))).toBe(`of ${project}`)
    // One that runs since before the rotation.
    expect(String(await given.vault.get(address(project)))).toBe(`of ${project}`)
  }
})

it('gives every secret a new data key and deletes the old one, while another process goes on', async () => {
  const given = await openVaultStore()
  const [project = ''] = given.projects
  const places = Array.from({ length: 7 }, (_, index) => address(project, `${index}`))
  for (const place of places) await given.vault.put(place, Buffer.from(place.ownerId))
  const old = await given.store.dataKeys.findActive(project)
  const vault = fresh(given)
  const report = await rotateVault({ store: given.store, vault, masterKeys, dataKeys: true, batchSize: 2 })
  expect(report).toEqual({ wrapped: 0, retired: 1, encrypted: 7, removed: 1, kept: 0, unreadable: 0 })
  expect(await given.store.dataKeys.find(project, old?.id ?? '')).toBeUndefined()
  for (const place of places) expect(String(await given.vault.get(place))).toBe(place.ownerId)
  // This one remembers the old key as the one in use.
  await given.vault.put(address(project, 'new'), Buffer.from('new'))
  expect(String(await fresh(given).get(address(project, 'new')))).toBe('new')
  expect((await given.store.dataKeys.summarize()).map(({ secrets }) => secrets)).toEqual([8])
})

it('reads a secret again whose data key went away between two queries', async () => {
  const given = await openVaultStore()
  const [project = ''] = given.projects
  await given.vault.put(address(project), Buffer.from('x'))
  let rotations = 0
  const secrets: Store['secrets'] = {
    ...given.store.secrets,
    async find(place) {
      const found = await given.store.secrets.find(place)
      if (rotations === 0) {
        rotations += 1
        const rotated = await rotateVault({ store: given.store, vault: fresh(given), masterKeys, dataKeys: true })
        expect(rotated).toMatchObject({ encrypted: 1, removed: 1 })
      }
      return found
    },
  }
  const vault = createVault({ store: { dataKeys: given.store.dataKeys, secrets }, masterKeys })
  expect(String(await vault.get(address(project)))).toBe('x')
})

it('takes another data key when one has encrypted as often as it may', async () => {
  const given = await openVaultStore()
  const [project = ''] = given.projects
  await given.vault.put(address(project), Buffer.from('first'))
  given.sql(`update data_keys set encryptions = ${2 ** 31}`)
  await given.vault.put(address(project, 'two'), Buffer.from('second'))
  expect(await given.store.dataKeys.summarize()).toMatchObject([
    { secrets: 1, retiredAt: expect.any(Number) },
    { secrets: 1, retiredAt: null },
  ])
  expect(String(await given.vault.get(address(project)))).toBe('first')
})

it('leaves what it cannot read, counts it, and does the rest', async () => {
  const given = await openVaultStore()
  const [project = ''] = given.projects
  for (const owner of ['one', 'two', 'three']) await given.vault.put(address(project, owner), Buffer.from(owner))
  given.sql("update secrets set owner_id = 'moved' where owner_id = 'two'")
  const rotation = { store: given.store, vault: fresh(given), masterKeys }
  expect(await rotateVault({ ...rotation, dataKeys: true })).toMatchObject({ encrypted: 2, removed: 0, unreadable: 1 })
  expect(await readVaultStatus(given.store, masterKeys)).toMatchObject({ secretsToEncrypt: 1 })
  for (const owner of ['one', 'three']) expect(String(await fresh(given).get(address(project, owner)))).toBe(owner)
})

it('stops between two changes when it is told to, and goes on where it was without retiring once more', async () => {
  const given = await openVaultStore()
  const [project = ''] = given.projects
  for (let index = 0; index < 6; index += 1) await given.vault.put(address(project, `${index}`), Buffer.from('x'))
  const ending = new AbortController()
  const vault = fresh(given)
  let done = 0
  const slow: Vault = {
    ...vault,
    async reencrypt(secret) {
      done += 1
      if (done === 3) ending.abort()
      return vault.reencrypt(secret)
    },
  }
  const rotation = { store: given.store, masterKeys, dataKeys: true }
  expect(await rotateVault({ ...rotation, vault: slow, signal: ending.signal })).toMatchObject({ encrypted: 3 })
  expect(await readVaultStatus(given.store, masterKeys)).toMatchObject({ secretsToEncrypt: 3 })
  expect(await rotateVault({ ...rotation, vault })).toMatchObject({ retired: 0, encrypted: 3, removed: 1 })
})
