import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AtpError, silentLogger } from '@atp/core'
import { createKeyService, defaultProject, type KeyService, openSqliteStore, type StoredKey } from '@atp/server'
import type { KeyAdmin } from './key-admin.ts'
import type { WireKey } from './wire-bodies.ts'

/**
 * Works on the keys of a data folder itself, also beside a server that runs on it: how the first admin key is made. Its
 * methods throw what `openSqliteStore` and `KeyService` throw.
 */
export function createLocalKeys(folder: string): KeyAdmin {
  /** Only making a key makes the folder: a list of a mistyped one must not leave an empty database there. */
  async function onExisting<T>(work: (keys: KeyService, projectId: string) => Promise<T>): Promise<T> {
    if (existsSync(join(folder, 'atp.sqlite'))) return withKeys(folder, work)
    throw new AtpError('data_folder_unusable', `There is no ATP data in the folder "${folder}"`)
  }

  return {
    list: () => onExisting(async (keys, projectId) => ({ keys: (await keys.list(projectId)).map(toWireKey) })),
    create: (request) => withKeys(folder, (keys, projectId) => keys.create({ projectId, ...request })),
    revoke: (id) => onExisting(async (keys, projectId) => toWireKey(await keys.revoke(projectId, id))),
  }
}

/** Runs `work` on the key service of a data folder, beside any server that runs on it. */
export async function withKeys<T>(
  folder: string,
  work: (keys: KeyService, projectId: string) => Promise<T>,
): Promise<T> {
  const store = await openSqliteStore({ folder, serve: false, logger: silentLogger })
  try {
    const project = await store.projects.ensure(defaultProject, Date.now())
    return await work(createKeyService({ store }), project.id)
  } finally {
    await store.close()
  }
}

function toWireKey(key: StoredKey): WireKey {
  return {
    id: key.id,
    kind: key.kind,
    name: key.name,
    toolkit_id: key.toolkitId,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
  }
}
