import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openFollowing, readStart } from './open-file.ts'

const maxRuleFileBytes = 1_048_576
/** Hides everything: the rules that cannot be read might have hidden anything. */
const hideAll = '*'

/**
 * Reads a file of ignore rules; undefined when there is none. A file that is there but cannot be read, or is larger
 * than 1 MiB, reads as a rule that hides everything.
 */
export async function readRuleFile(path: string): Promise<string | undefined> {
  try {
    return (await readAll(path))?.replace(/^\uFEFF/, '')
  } catch {
    return hideAll
  }
}

/** The file of rules that a repository keeps to itself, when there is a repository right in this folder. */
export async function excludeFileOf(folder: string): Promise<string | undefined> {
  try {
    const gitFolder = await gitFolderOf(folder)
    return gitFolder && join(gitFolder, 'info', 'exclude')
  } catch {
    return undefined
  }
}

async function gitFolderOf(folder: string): Promise<string | undefined> {
  const dotGit = join(folder, '.git')
  const stats = await lstat(dotGit)
  if (!stats.isFile()) return dotGit
  // A submodule or a second working tree: a file that names the folder.
  const named = /^gitdir: (.+)$/m.exec((await readAll(dotGit)) ?? '')?.[1]
  if (named === undefined) return undefined
  const gitFolder = resolve(folder, named.trim())
  const common = await readAll(join(gitFolder, 'commondir'))
  return common === undefined ? gitFolder : resolve(gitFolder, common.trim())
}

/** Reads a small text file; undefined when there is none. Throws when it is large, not regular or not readable. */
async function readAll(path: string): Promise<string | undefined> {
  try {
    const file = await openFollowing(path)
    try {
      if (file.stats.size > maxRuleFileBytes) throw new Error('too large')
      return (await readStart(file, maxRuleFileBytes)).toString()
    } finally {
      await file.handle.close()
    }
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
