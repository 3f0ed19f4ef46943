import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AtpError } from '@atp/core'
import * as z from 'zod'
import type { KeyService } from './keys/key-service.ts'

/** The keys of a development server, as `dev-keys.json` holds them. */
export interface DevKeys {
  baseUrl: string
  adminKey: string
  llmKey: string
  /** Stands for no toolkit until a client names one. */
  toolkitKey: string
}

/** The file in the data folder. */
export const devKeysFile = 'dev-keys.json'

const schema = z.object({ baseUrl: z.string(), adminKey: z.string(), llmKey: z.string(), toolkitKey: z.string() })

/**
 * Reads `dev-keys.json` of a data folder; undefined when it is not there.
 * @throws AtpError `invalid_config` when it is there and cannot be read
 */
export async function readDevKeys(folder: string): Promise<DevKeys | undefined> {
  const path = join(folder, devKeysFile)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AtpError('invalid_config', `Cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new AtpError('invalid_config', `${path} is damaged; delete it and start the development server again`, {
      cause: error,
    })
  }
}

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
