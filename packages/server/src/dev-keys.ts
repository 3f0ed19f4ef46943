import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DevKeys, devKeysFile, readDevKeys } from './dev-keys-file.ts'
import type { KeyService } from './keys/key-service.ts'

/** Makes sure that a development server has its keys: those of the file where they still work, new ones otherwise. */
export async function ensureDevKeys(
  folder: string,
  baseUrl: string,
  projectId: string,
  keys: KeyService,
): Promise<DevKeys> {
  const known = await readDevKeys(folder)
  const keep = async (kind: 'admin' | 'llm' | 'toolkit', key: string | undefined): Promise<string> => {
    if (key !== undefined && (await works(keys, key, kind, projectId))) return key
    return (await keys.create({ projectId, kind, ...(kind === 'toolkit' ? {} : { name: `dev ${kind}` }) })).key
  }
  const devKeys: DevKeys = {
    baseUrl,
    adminKey: await keep('admin', known?.adminKey),
    llmKey: await keep('llm', known?.llmKey),
    toolkitKey: await keep('toolkit', known?.toolkitKey),
  }
  const path = join(folder, devKeysFile)
  // A reader never sees half a file, and nobody else ever sees the keys.
  await writeFile(`${path}.new`, `${JSON.stringify(devKeys, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return devKeys
}

async function works(
  keys: KeyService,
  key: string,
  kind: 'admin' | 'llm' | 'toolkit',
  projectId: string,
): Promise<boolean> {
  try {
    return (await keys.authenticate(key, [kind])).projectId === projectId
  } catch {
    return false
  }
}
