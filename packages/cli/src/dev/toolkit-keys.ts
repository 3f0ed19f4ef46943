import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The keys that toolkits connect with. */
export interface ToolkitKeys {
  /** The key of the toolkit of that name. */
  keyFor(name: string): Promise<string>
  /** The server did not take the key: returns whether asking again gives another one. */
  refused(name: string): Promise<boolean>
}

/** In the data folder, beside `dev-keys.json`: names of toolkits, and their keys. */
const fileName = 'dev-toolkit-keys.json'

/** Keys that are made when they are needed, and kept in the data folder of the development server for the next time. */
export function createToolkitKeys(folder: string, makeKey: (name: string) => Promise<string>): ToolkitKeys {
  const path = join(folder, fileName)
  const made = new Set<string>()
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other: each reads the file, changes it and writes it. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }

  return {
    keyFor: (name) =>
      inTurn(async () => {
        const known = await readKeys(path)
        const kept = known.get(name)
        if (kept !== undefined) return kept
        const key = await makeKey(name)
        made.add(name)
        await writeKeys(folder, path, known.set(name, key))
        return key
      }),
    refused: (name) =>
      inTurn(async () => {
        // One that was just made fails for another reason than that it is old.
        if (made.has(name)) return false
        const known = await readKeys(path)
        if (known.delete(name)) await writeKeys(folder, path, known)
        return true
      }),
  }
}

/** The one key that the user gave: it stands for one toolkit. */
export function createGivenKey(key: string): ToolkitKeys {
  return { keyFor: async () => key, refused: async () => false }
}

/** A file that cannot be read is one that is not there: all in it can be made again. */
async function readKeys(path: string): Promise<Map<string, string>> {
  try {
    const entries = Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return new Map()
  }
}

async function writeKeys(folder: string, path: string, keys: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, `${JSON.stringify(Object.fromEntries(keys), null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
