import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AtpError, silentLogger } from '@atp/core'
import {
  createKeyService,
  defaultProject,
  type KeyService,
  openStore,
  type StoredKey,
  type StorePlace,
} from '@atp/server'
import type { KeyAdmin } from './key-admin.ts'
import type { WireKey } from './wire-bodies.ts'

/**
 * Works on the keys of a data folder or a database itself, also beside a server that runs on it: how the first admin key
 * is made. Its methods throw what `openStore` and `KeyService` throw.
 */
export function createLocalKeys(place: StorePlace): KeyAdmin {
  /** Only making a key makes the place: a list of a mistyped one must not leave an empty database there. */
  async function onExisting<T>(work: (keys: KeyService, projectId: string) => Promise<T>): Promise<T> {
    const { dataDir, databaseUrl } = place
    if (databaseUrl === undefined && !existsSync(join(dataDir, 'atp.sqlite'))) {
      throw new AtpError('data_folder_unusable', `There is no ATP data in the folder "${dataDir}"`)
    }
    return withKeys(place, work, false)
  }

  return {
    list: () => onExisting(async (keys, projectId) => ({ keys: (await keys.list(projectId)).map(toWireKey) })),
    create: (request) => withKeys(place, (keys, projectId) => keys.create({ projectId, ...request })),
    revoke: (id) => onExisting(async (keys, projectId) => toWireKey(await keys.revoke(projectId, id))),
  }
}

/** Runs `work` on the key service of a data folder or a database, beside any server that runs on it. */
export async function withKeys<T>(
  place: StorePlace,
  work: (keys: KeyService, projectId: string) => Promise<T>,
  create = true,
): Promise<T> {
  const store = await openStore({ ...place, serve: false, create, logger: silentLogger })
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
