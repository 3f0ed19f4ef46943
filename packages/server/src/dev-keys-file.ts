import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AtpError } from '@atp/core'

/* `@atp/server/dev-keys`: apart from the server, so that a command line that only reads the file starts fast. */

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
    const { code, message } = error as NodeJS.ErrnoException
    // A path through a file leads to no folder either.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new AtpError('invalid_config', `Cannot read ${path}: ${message}`, { cause: error })
  }
  const keys = parse(text)
  if (keys) return keys
  // Without a cause: what a JSON parser says of a text quotes it, and this one holds keys.
  throw new AtpError('invalid_config', `${path} is damaged; delete it and start the development server again`)
}

function parse(text: string): DevKeys | undefined {
  try {
    const { baseUrl, adminKey, llmKey, toolkitKey } = JSON.parse(text) as Record<keyof DevKeys, unknown>
    const keys = { baseUrl, adminKey, llmKey, toolkitKey }
    return Object.values(keys).every((value) => typeof value === 'string') ? (keys as DevKeys) : undefined
  } catch {
    return undefined
  }
}
