import { AtpError, type Logger } from '@atp/core'
import { prepareDataFolder } from '../store/sqlite/data-folder.ts'
import type { Store } from '../store/store.ts'
import { ensureKeyFile } from './key-file.ts'
import { type MasterKeys, parseMasterKeys } from './master-keys.ts'
import { createVault, type Vault } from './vault.ts'

/** Where a server finds its master keys. */
export interface MasterKeySource {
  /** `ATP_ENCRYPTION_KEYS`. */
  encryptionKeys: string | undefined
  /** A development server without keys makes one in this folder. */
  dev: boolean
  dataDir: string
}

/**
 * The master keys of a server.
 * @throws AtpError `invalid_config` for keys that cannot be used, and when there is none outside of development (rule V3)
 */
export async function readMasterKeys({ encryptionKeys, dev, dataDir }: MasterKeySource): Promise<MasterKeys> {
  if (encryptionKeys !== undefined) return parseMasterKeys(encryptionKeys)
  if (!dev) {
    throw new AtpError(
      'invalid_config',
      'A server needs a key that encrypts the secrets it keeps: make one with "atp vault generate-key", keep it where ' +
        'you keep passwords, and give it in ATP_ENCRYPTION_KEYS or in a file that ATP_ENCRYPTION_KEYS_FILE names',
    )
  }
  prepareDataFolder(dataDir)
  return parseMasterKeys(await ensureKeyFile(dataDir))
}

/** What {@link openVault} needs. */
export interface OpenVaultOptions {
  store: Pick<Store, 'dataKeys' | 'secrets'>
  masterKeys: MasterKeys
  /** Goes on with a warning where data keys cannot be unwrapped: their secrets are lost, the rest works. */
  dev: boolean
  logger: Logger
}

/**
 * Builds the vault of a server, and makes sure that its master keys are those of its data: one data key of each is
 * unwrapped.
 * @throws AtpError `invalid_config` that names the ids of the keys that are missing or wrong
 */
export async function openVault({ store, masterKeys, dev, logger }: OpenVaultOptions): Promise<Vault> {
  const vault = createVault({ store, masterKeys })
  const seen = new Set<string>()
  const unusable: string[] = []
  for (const { projectId, id, masterKeyId } of await store.dataKeys.summarize()) {
    if (seen.has(masterKeyId)) continue
    const stored = await store.dataKeys.find(projectId, id)
    // A running rotation of another process may have changed it since.
    if (stored === undefined || stored.masterKeyId !== masterKeyId) continue
    seen.add(masterKeyId)
    if (!vault.canUnwrap(stored)) unusable.push(masterKeyId)
  }
  if (unusable.length === 0) return vault
  const named = unusable.map((id) => `"${id}"`).join(', ')
  const message =
    `Secrets of this server need the encryption key ${named}, which is not among those given, or is another key under ` +
    'that id. Add it to ATP_ENCRYPTION_KEYS, after the newest'
  if (!dev) throw new AtpError('invalid_config', message)
  logger.warn('vault.keys_missing', { message })
  return vault
}
