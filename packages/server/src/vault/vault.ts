import type { KeyObject } from 'node:crypto'
import type { SecretAddress, Store, StoredDataKey, StoredSecret } from '../store/store.ts'
import { DataKeyRing, type DataKeyRingOptions } from './data-key-ring.ts'
import { type Binding, open, seal, vaultUnreadable } from './envelope.ts'

/** What {@link createVault} works with. */
export interface VaultOptions extends DataKeyRingOptions {
  store: Pick<Store, 'dataKeys' | 'secrets'>
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
  const { store, now = Date.now } = options
  const ring = new DataKeyRing(options)

  /** `write` says whether the data key it was given may still encrypt. */
  async function encrypt(
    address: SecretAddress,
    secret: Uint8Array,
    write: (sealed: StoredSecret) => Promise<boolean>,
  ): Promise<boolean> {
    const { projectId, ownerKind, ownerId, field } = address
    for (let round = 0; round < maxRounds; round += 1) {
      const { id, key } = await ring.active(projectId)
      const ciphertext = seal(key, id, secretBinding(address), secret)
      if (await write({ projectId, ownerKind, ownerId, field, dataKeyId: id, ciphertext })) return true
      // Retired by somebody else, or it has encrypted as often as it may.
      ring.forgetActive(projectId, id)
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
        const key = await ring.find(address.projectId, secret.dataKeyId)
        if (key !== undefined) return decrypt(secret, key)
        // A rotation ended between the two queries: by now the secret has another key.
      }
      throw vaultUnreadable()
    },

    async has(address) {
      return (await store.secrets.find(address)) !== undefined
    },

    rewrap: (projectId, dataKeyId) => ring.rewrap(projectId, dataKeyId),

    async reencrypt(secret) {
      const key = await ring.find(secret.projectId, secret.dataKeyId)
      // The key went with its last secret, so this one was changed meanwhile.
      if (key === undefined) return false
      const plaintext = decrypt(secret, key)
      const { projectId, dataKeyId } = secret
      let active = await ring.active(projectId)
      if (active.id === dataKeyId) {
        // Remembered from before it was retired.
        ring.forgetActive(projectId, dataKeyId)
        active = await ring.active(projectId)
      }
      const { id } = active
      if (id === dataKeyId) return false
      const ciphertext = seal(active.key, id, secretBinding(secret), plaintext)
      const done = await store.secrets.replace({ ...secret, dataKeyId: id, ciphertext }, secret.ciphertext, now())
      if (!done) ring.forgetActive(projectId, id)
      return done
    },

    canUnwrap(key) {
      try {
        ring.unwrap(key)
        return true
      } catch {
        return false
      }
    },
  }
}

/** One round is lost to each rotation that begins or ends meanwhile. */
const maxRounds = 5

function secretBinding({ projectId, ownerKind, ownerId, field }: SecretAddress): Binding {
  return ['secret', projectId, ownerKind, ownerId, field]
}
