import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type GitOptions, runGit } from './run-git.ts'

/**
 * The file in which a user ignores things in all repositories: what git is configured to use, else git's default
 * place. The file need not exist; without git there is only the default.
 */
export async function findExcludesFile(folder: string, options: GitOptions = {}): Promise<string> {
  const { environment = process.env } = options
  try {
    const { exitCode, stdout } = await runGit(folder, ['config', '--type=path', '--get', 'core.excludesFile'], options)
    if (exitCode === 0 && stdout.trim() !== '') return resolve(folder, stdout.trim())
  } catch {
    // Not installed: there may be rules all the same.
  }
  return join(environment.XDG_CONFIG_HOME || join(environment.HOME ?? homedir(), '.config'), 'git', 'ignore')
}
