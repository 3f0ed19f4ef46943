import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { newId as newUuid } from '../keys/ids.ts'
import type { SecretAddress, Store, StoredDataKey, StoredSecret } from '../store/store.ts'
import { type Binding, open, seal, vaultUnreadable } from './envelope.ts'
import type { MasterKeys } from './master-keys.ts'

/** What {@link createVault} works with. */
export interface VaultOptions {
  store: Pick<Store, 'dataKeys' | 'secrets'>
  masterKeys: MasterKeys
  /** Milliseconds since 1970. @default `Date.now` */
  now?: (() => number) | undefined
  /** Gives the ids of new data keys. @default UUIDv7 */
  newId?: (() => string) | undefined
}

/**
 * Keeps secrets encrypted: each with its project's data key, which a master key wraps. All methods that read throw
 * `vault_unreadable` for whatever does not fit, and what the store throws.
 */
export interface Vault {
  /** Encrypts and writes a secret, over the one at the same address. */
  put(address: SecretAddress, secret: Uint8Array): Promise<void>
  /** The secret at an address, in clear. Also while keys are rotated. */
  get(address: SecretAddress): Promise<Buffer | undefined>
  /** Whether there is a secret at an address; it is not decrypted. */
  has(address: SecretAddress): Promise<boolean>
  /** Wraps a data key with the newest master key; false when it was already. */
  rewrap(projectId: string, dataKeyId: string): Promise<boolean>
  /** Encrypts a secret with the data key in use; false when it changed or went meanwhile. */
  reencrypt(secret: StoredSecret): Promise<boolean>
  /** Whether a data key can be unwrapped. */
  canUnwrap(key: StoredDataKey): boolean
}

/** Builds the vault on a store. */
export function createVault(options: VaultOptions): Vault {
  const { store, masterKeys, now = Date.now, newId = newUuid } = options
  /** Data keys in clear, for as long as the process runs: unwrapping costs a query. */
  const clear = new Map<string, KeyObject>()
  const activeIds = new Map<string, string>()

  function unwrap(stored: StoredDataKey): KeyObject {
    const masterKey = masterKeys.byId.get(stored.masterKeyId)
    if (masterKey === undefined) throw vaultUnreadable()
    return createSecretKey(open(masterKey.key, masterKey.id, wrapBinding(stored), stored.wrapped))
  }

  function remember(stored: StoredDataKey): KeyObject {
    const name = `${stored.projectId} ${stored.id}`
    const key = clear.get(name) ?? unwrap(stored)
    clear.set(name, key)
    return key
  }

  async function dataKey(projectId: string, id: string): Promise<KeyObject | undefined> {
    const known = clear.get(`${projectId} ${id}`)
    if (known !== undefined) return known
    const stored = await store.dataKeys.find(projectId, id)
    return stored && remember(stored)
  }

  async function activeKey(projectId: string): Promise<{ id: string; key: KeyObject }> {
    const id = activeIds.get(projectId)
    const known = id === undefined ? undefined : clear.get(`${projectId} ${id}`)
    if (id !== undefined && known !== undefined) return { id, key: known }
    const stored = (await store.dataKeys.findActive(projectId)) ?? (await makeDataKey(projectId))
    const key = remember(stored)
    activeIds.set(projectId, stored.id)
    return { id: stored.id, key }
  }

  function makeDataKey(projectId: string): Promise<StoredDataKey> {
    const { newest } = masterKeys
    const id = newId()
    const wrapped = seal(newest.key, newest.id, wrapBinding({ projectId, id }), randomBytes(dataKeyLength))
    return store.dataKeys.ensure({ projectId, id, masterKeyId: newest.id, wrapped, createdAt: now() })
  }

  /** `write` says whether the data key it was given may still encrypt. */
  async function encrypt(
    address: SecretAddress,
    secret: Uint8Array,
    write: (sealed: StoredSecret) => Promise<boolean>,
  ): Promise<boolean> {
    const { projectId, ownerKind, ownerId, field } = address
    for (let round = 0; round < maxRounds; round += 1) {
      const { id, key } = await activeKey(projectId)
      const ciphertext = seal(key, id, secretBinding(address), secret)
      if (await write({ projectId, ownerKind, ownerId, field, dataKeyId: id, ciphertext })) return true
      // Retired by somebody else, or it has encrypted as often as it may.
      activeIds.delete(projectId)
      if (round > 0) await store.dataKeys.retire(projectId, id, now())
    }
    return false
  }

  function decrypt(secret: StoredSecret, key: KeyObject): Buffer {
    return open(key, secret.dataKeyId, secretBinding(secret), secret.ciphertext)
  }

  return {
    async put(address, secret) {
      if (await encrypt(address, secret, (sealed) => store.secrets.put(sealed, now()))) return
      throw new Error('No data key that may encrypt was found: are keys rotated all the time?')
    },

    async get(address) {
      for (let round = 0; round < maxRounds; round += 1) {
        const secret = await store.secrets.find(address)
        if (secret === undefined) return undefined
        const key = await dataKey(address.projectId, secret.dataKeyId)
        if (key !== undefined) return decrypt(secret, key)
        // A rotation ended between the two queries: by now the secret has another key.
      }
      throw vaultUnreadable()
    },

    async has(address) {
      return (await store.secrets.find(address)) !== undefined
    },

    async rewrap(projectId, dataKeyId) {
      const stored = await store.dataKeys.find(projectId, dataKeyId)
      const { newest } = masterKeys
      if (stored === undefined || stored.masterKeyId === newest.id) return false
      const wrapped = seal(newest.key, newest.id, wrapBinding(stored), unwrap(stored).export())
      return store.dataKeys.rewrap({ projectId, id: dataKeyId, masterKeyId: newest.id, wrapped }, stored.wrapped)
    },

    async reencrypt(secret) {
      const key = await dataKey(secret.projectId, secret.dataKeyId)
      // The key went with its last secret, so this one was changed meanwhile.
      if (key === undefined) return false
      const plaintext = decrypt(secret, key)
      const { projectId, dataKeyId } = secret
      let active = await activeKey(projectId)
      if (active.id === dataKeyId) {
        // Remembered from before it was retired.
        activeIds.delete(projectId)
        active = await activeKey(projectId)
      }
      const { id } = active
      if (id === dataKeyId) return false
      const ciphertext = seal(active.key, id, secretBinding(secret), plaintext)
      const done = await store.secrets.replace({ ...secret, dataKeyId: id, ciphertext }, secret.ciphertext, now())
      if (!done) activeIds.delete(projectId)
      return done
    },

    canUnwrap(key) {
      try {
        unwrap(key)
        return true
      } catch {
        return false
      }
    },
  }
}

const dataKeyLength = 32

/** One round is lost to each rotation that begins or ends meanwhile. */
const maxRounds = 5

function wrapBinding({ projectId, id }: Pick<StoredDataKey, 'projectId' | 'id'>): Binding {
  return ['data-key', projectId, id]
}

function secretBinding({ projectId, ownerKind, ownerId, field }: SecretAddress): Binding {
  return ['secret', projectId, ownerKind, ownerId, field]
}
