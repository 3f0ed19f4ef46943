import type { Store } from '../store/store.ts'
import type { MasterKeys } from './master-keys.ts'

/** One master key, and what needs it. */
export interface MasterKeyStatus {
  id: string
  /** `newest` wraps new data keys, `older` only unwraps, `missing` is needed and not known here. */
  state: 'newest' | 'older' | 'missing'
  dataKeys: number
  secrets: number
}

/** What a vault holds, and what a rotation has still to do. */
export interface VaultStatus {
  keys: MasterKeyStatus[]
  /** Data keys that an older master key wraps. */
  dataKeysToWrap: number
  /** Secrets whose data key is retired. */
  secretsToEncrypt: number
}

/** Looks at a vault; without `masterKeys` every key in use is `missing`. Decrypts nothing. */
export async function readVaultStatus(
  store: Pick<Store, 'dataKeys'>,
  masterKeys: MasterKeys | undefined,
): Promise<VaultStatus> {
  const keys = new Map<string, MasterKeyStatus>()
  for (const id of masterKeys?.byId.keys() ?? []) {
    keys.set(id, { id, state: id === masterKeys?.newest.id ? 'newest' : 'older', dataKeys: 0, secrets: 0 })
  }
  const status: VaultStatus = { keys: [], dataKeysToWrap: 0, secretsToEncrypt: 0 }
  for (const { masterKeyId, retiredAt, secrets } of await store.dataKeys.summarize()) {
    const key = keys.get(masterKeyId) ?? { id: masterKeyId, state: 'missing', dataKeys: 0, secrets: 0 }
    keys.set(masterKeyId, key)
    key.dataKeys += 1
    key.secrets += secrets
    if (masterKeys !== undefined && masterKeyId !== masterKeys.newest.id) status.dataKeysToWrap += 1
    if (retiredAt !== null) status.secretsToEncrypt += secrets
  }
  status.keys = [...keys.values()]
  return status
}
