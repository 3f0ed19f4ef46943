import { hkdfSync } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Logger, silentLogger } from '@atp/core'
import { expect, it, onTestFinished } from 'vitest'
import { createServer } from '../../src/index.ts'
import {
  createEndpointSecrets,
  deriveEndpointSecret,
  type EndpointSecrets,
  endpointSecretAddress,
} from '../../src/keys/endpoint-secret.ts'
import { createKeyService, type KeyService } from '../../src/keys/key-service.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { ensureKeyFile } from '../../src/vault/key-file.ts'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'
import { createVault, type Vault } from '../../src/vault/vault.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { startTestServer } from '../support/test-server.ts'

interface Given {
  store: Store
  vault: Vault
  projectId: string
  keys: KeyService
  secrets: EndpointSecrets
  /** As after a restart: nothing is remembered. */
  again(vault?: Vault, logger?: Logger): { keys: KeyService; secrets: EndpointSecrets }
}

async function given(): Promise<Given> {
  const folder = await temporaryFolder()
  const store = await openSqliteStore({ folder, serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  const ownVault = createVault({ store, masterKeys: parseMasterKeys(generateMasterKey().entry) })
  const { id: projectId } = await store.projects.ensure('default', 1)
  const again: Given['again'] = (vault = ownVault, logger = silentLogger) => {
    const secrets = createEndpointSecrets({ store, vault, logger })
    return { secrets, keys: createKeyService({ store, onSeen: secrets.see }) }
  }
  return { store, vault: ownVault, projectId, ...again(), again }
}

it('is HKDF-SHA256 of the key, 32 bytes, which both sides derive alike', () => {
  const expected = Buffer.from(hkdfSync('sha256', 'atp_toolkit_x', Buffer.alloc(0), 'atp-endpoint-v1', 32))
  expect(deriveEndpointSecret('atp_toolkit_x')).toEqual(expected)
  // A fixed value, which an adapter in another language has to reach, too.
  expect(deriveEndpointSecret('atp_toolkit_x').toString('hex')).toBe(vector)
})

const vector = '62d49fb9b5cf1344fa756180eaabdd04248b265b9f66abe44028615b5f88ba1a'

it('is stored encrypted when a toolkit key is made, and for no other kind of key', async () => {
  const { store, vault, projectId, keys, secrets } = await given()
  const made = await keys.create({ projectId, kind: 'toolkit', name: 'weather' })
  const others = [await keys.create({ projectId, kind: 'llm' }), await keys.create({ projectId, kind: 'admin' })]
  await secrets.settled()
  const address = endpointSecretAddress({ id: made.id, projectId })
  expect(await vault.get(address)).toEqual(deriveEndpointSecret(made.key))
  expect((await store.secrets.find(address))?.ciphertext).toMatch(/^v1\./)
  for (const { id } of others) expect(await vault.has(endpointSecretAddress({ id, projectId }))).toBe(false)
})

it('is stored at the next authentication of a key that was made elsewhere, once', async () => {
  const { store, vault, projectId, keys, secrets } = await given()
  const made = await createKeyService({ store }).create({ projectId, kind: 'toolkit', name: 'weather' })
  const address = endpointSecretAddress({ id: made.id, projectId })
  expect(await vault.has(address)).toBe(false)
  await Promise.all(Array.from({ length: 5 }, () => keys.authenticate(made.key, ['toolkit'])))
  await secrets.settled()
  const first = await store.secrets.find(address)
  expect(await vault.get(address)).toEqual(deriveEndpointSecret(made.key))
  await keys.authenticate(made.key, ['toolkit'])
  await secrets.settled()
  expect(await store.secrets.find(address)).toEqual(first)
})

it('is not written again after a restart', async () => {
  const { store, projectId, keys, secrets, again } = await given()
  const made = await keys.create({ projectId, kind: 'toolkit', name: 'weather' })
  await secrets.settled()
  const address = endpointSecretAddress({ id: made.id, projectId })
  const first = await store.secrets.find(address)
  const later = again()
  await later.keys.authenticate(made.key, ['toolkit'])
  await later.secrets.settled()
  expect(await store.secrets.find(address)).toEqual(first)
})

it('goes with its key, also when that is revoked while the secret is being stored', async () => {
  const { store, vault, projectId, keys, secrets, again } = await given()
  const made = await keys.create({ projectId, kind: 'toolkit', name: 'weather' })
  await secrets.settled()
  // By a process that knows no encryption key, as `atp keys revoke --data` does.
  await createKeyService({ store }).revoke(projectId, made.id)
  expect(await vault.has(endpointSecretAddress({ id: made.id, projectId }))).toBe(false)

  const late = again({
    ...vault,
    async put(address, secret) {
      await store.keys.revoke(projectId, address.ownerId, 2)
      await vault.put(address, secret)
    },
  })
  const other = await late.keys.create({ projectId, kind: 'toolkit', name: 'traffic' })
  await late.secrets.settled()
  expect(await vault.has(endpointSecretAddress({ id: other.id, projectId }))).toBe(false)
})

it('holds up no authentication, and is tried again after a failure, which is logged without the key', async () => {
  const { vault, projectId, again } = await given()
  const logged: unknown[] = []
  const logger = { ...silentLogger, warn: (...line: unknown[]) => void logged.push(line) }
  const gate = Promise.withResolvers<void>()
  let failures = 0
  const { keys, secrets } = again(
    {
      ...vault,
      async put(address, secret) {
        if (failures > 0) return vault.put(address, secret)
        await gate.promise
        failures += 1
        throw new Error('the disk is full')
      },
    },
    logger,
  )
  const made = await keys.create({ projectId, kind: 'toolkit', name: 'weather' })
  await keys.authenticate(made.key, ['toolkit'])
  gate.resolve()
  await secrets.settled()
  expect(logged).toHaveLength(1)
  expect(inspect(logged)).toContain(made.id)
  expect(inspect(logged)).not.toContain(made.key)
  await keys.authenticate(made.key, ['toolkit'])
  await secrets.settled()
  const address = endpointSecretAddress({ id: made.id, projectId })
  expect(await vault.get(address)).toEqual(deriveEndpointSecret(made.key))
})

it('is kept by a server for its toolkit keys, with nothing in clear in its files and logs', async () => {
  const dataDir = await temporaryFolder()
  const logged: unknown[] = []
  const note = (...line: unknown[]): void => void logged.push(line)
  const logger = { debug: note, info: note, warn: note, error: note }
  const { keys, server } = await startTestServer({ dataDir, keepData: true, logger })
  const made = await server.createKey({ kind: 'toolkit', name: 'weather' })
  await server.close(0)

  const entry = await ensureKeyFile(dataDir)
  const store = await openSqliteStore({ folder: dataDir, serve: false, logger: silentLogger })
  const vault = createVault({ store, masterKeys: parseMasterKeys(entry) })
  const { id: projectId } = await store.projects.ensure('default', 1)
  expect(await vault.get(endpointSecretAddress({ id: made.id, projectId }))).toEqual(deriveEndpointSecret(made.key))
  await store.close()

  const secret = deriveEndpointSecret(made.key)
  const needles = [made.key, keys.toolkitKey, entry.trim().split(':')[1] ?? '']
  needles.push(...(['latin1', 'hex', 'base64', 'base64url'] as const).map((encoding) => secret.toString(encoding)))
  const files = (await readdir(dataDir)).filter((file) => !/^(dev-keys\.json|encryption-keys)$/.test(file))
  const texts = await Promise.all(files.map((file) => readFile(join(dataDir, file), 'latin1')))
  texts.push(inspect(logged, { depth: 9 }))
  for (const needle of needles) expect(texts.some((text) => text.includes(needle))).toBe(false)
})

it('loses its secrets of ended keys when the server starts', async () => {
  const dataDir = await temporaryFolder()
  const encryptionKeys = generateMasterKey().entry
  const store = await openSqliteStore({ folder: dataDir, serve: false, logger: silentLogger })
  onTestFinished(() => store.close())
  const { id: projectId } = await store.projects.ensure('default', 1)
  const vault = createVault({ store, masterKeys: parseMasterKeys(encryptionKeys) })
  const soon = Date.now() + 50
  const { id } = await createKeyService({ store }).create({
    projectId,
    kind: 'toolkit',
    name: 'weather',
    expiresAt: soon,
  })
  await vault.put(endpointSecretAddress({ id, projectId }), Buffer.from('x'))
  await expect.poll(() => Date.now()).toBeGreaterThan(soon)
  const server = await createServer({ dataDir, encryptionKeys, port: 0, logLevel: 'silent' })
  await server.close(0)
  expect(await vault.has(endpointSecretAddress({ id, projectId }))).toBe(false)
})
