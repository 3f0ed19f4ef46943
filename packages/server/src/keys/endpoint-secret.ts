import { hkdfSync } from 'node:crypto'
import type { Logger } from '@atp/core'
import type { SecretAddress, Store, StoredKey } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'

/** What calls to an endpoint are signed with: both sides derive it from the toolkit key, which cannot be had from it. */
export function deriveEndpointSecret(key: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'atp-endpoint-v1', 32))
}

/** Where the endpoint secret of a key is kept. */
export function endpointSecretAddress(key: Pick<StoredKey, 'id' | 'projectId'>): SecretAddress {
  return { projectId: key.projectId, ownerKind: 'key', ownerId: key.id, field: 'endpoint' }
}

/** What {@link createEndpointSecrets} needs. */
export interface EndpointSecretOptions {
  store: Pick<Store, 'keys' | 'secrets'>
  vault: Vault
  logger: Logger
}

/** Keeps the endpoint secret of every toolkit key that is seen in clear. */
export interface EndpointSecrets {
  /** Sees a key. Returns at once; its secret is stored later, unless it is there. Keys of other kinds are passed over. */
  see(key: Pick<StoredKey, 'id' | 'projectId' | 'kind'>, text: string): void
  /** Resolves when all that was seen is stored, or could not be. */
  settled(): Promise<void>
}

/**
 * Builds the keeper of endpoint secrets. What fails is logged, and tried again when the key is seen again: a server
 * without this secret can do everything but call that toolkit's endpoint.
 */
export function createEndpointSecrets({ store, vault, logger }: EndpointSecretOptions): EndpointSecrets {
  /** Ids of keys whose secret is there or on its way. */
  const known = new Set<string>()
  const running = new Set<Promise<void>>()

  async function keep(key: Pick<StoredKey, 'id' | 'projectId'>, text: string): Promise<void> {
    const address = endpointSecretAddress(key)
    try {
      if (await vault.has(address)) return
      await vault.put(address, deriveEndpointSecret(text))
      // Revoked in between: what the revocation deleted was not there yet.
      const stored = await store.keys.find(key.projectId, key.id)
      if (stored?.revokedAt !== null) await store.secrets.removeOwner(key.projectId, 'key', key.id)
    } catch (error) {
      known.delete(key.id)
      logger.warn('endpoint_secret.not_stored', { keyId: key.id, error: String(error) })
    }
  }

  return {
    see(key, text) {
      if (key.kind !== 'toolkit' || known.has(key.id)) return
      known.add(key.id)
      const work = keep(key, text).finally(() => running.delete(work))
      running.add(work)
    },
    async settled() {
      await Promise.all(running)
    },
  }
}
