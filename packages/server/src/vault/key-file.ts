import { randomUUID } from 'node:crypto'
import { link, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AtpError } from '@atp/core'
import { generateMasterKey } from './master-keys.ts'

/** The file in the data folder of a development server. */
export const encryptionKeysFile = 'encryption-keys'

/**
 * The text of the key file in a data folder; undefined when it is not there.
 * @throws AtpError `invalid_config` when it is there and cannot be read
 */
export function readKeyFile(folder: string): Promise<string | undefined> {
  return readKeys(join(folder, encryptionKeysFile))
}

/** As {@link readKeyFile}, with a new key (0600) where there is no file. */
export async function ensureKeyFile(folder: string): Promise<string> {
  const known = await readKeyFile(folder)
  if (known !== undefined) return known
  const path = join(folder, encryptionKeysFile)
  const unfinished = `${path}.${randomUUID()}`
  const { entry } = generateMasterKey()
  const file = await open(unfinished, 'wx', 0o600)
  try {
    await file.writeFile(`${entry}\n`)
    // On the disk before anything is encrypted with it.
    await file.sync()
    await file.close()
    // Unlike a rename this never replaces a key that another process made meanwhile.
    await link(unfinished, path)
    return entry
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readKeyFile(folder)) as string
  } finally {
    await file.close().catch(() => {})
    await unlink(unfinished)
  }
}

async function readKeys(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new AtpError('invalid_config', `Cannot read ${path}: ${message}`, { cause: error })
  }
}
