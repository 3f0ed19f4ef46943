import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** One change of the server's source. */
export interface Change {
  /** Below `packages/server/src`. */
  file: string
  /** What is there, exactly once. */
  from: string
  to: string
}

/** A changed copy of the server's source. */
export interface ServerCopy extends Disposable {
  /** The module that stands for `@atp/server`. */
  entry: string
}

/**
 * Copies the server's source into a folder of its own and changes it there.
 * @throws Error when a text that is to be changed is not there exactly once: the server has changed, and so must the
 * mutant
 */
export function copyServer(changes: readonly Change[]): ServerCopy {
  const manifest = findPackageJSON('@atp/server', import.meta.url)
  if (manifest === undefined) throw new Error('@atp/server is not installed')
  const original = dirname(manifest)
  const folder = mkdtempSync(join(tmpdir(), 'atp-mutant-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    cpSync(join(original, 'src'), join(folder, 'src'), { recursive: true })
    cpSync(manifest, join(folder, 'package.json'))
    // What the copy imports is found where the original finds it.
    symlinkSync(join(original, 'node_modules'), join(folder, 'node_modules'))
    for (const change of changes) apply(folder, change)
  } catch (error) {
    remove()
    throw error
  }
  return { entry: join(folder, 'src', 'index.ts'), [Symbol.dispose]: remove }
}

function apply(folder: string, { file, from, to }: Change): void {
  const path = join(folder, 'src', file)
  const parts = readFileSync(path, 'utf8').split(from)
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times, and not once: ${from}`)
  writeFileSync(path, parts.join(to))
}
