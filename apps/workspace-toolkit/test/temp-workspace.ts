import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder for one test, removed by `using`. */
export class TempWorkspace implements Disposable {
  /** The parent of the workspace: files written here are outside. */
  readonly outside: string = realpathSync(mkdtempSync(join(tmpdir(), 'atp-workspace-')))
  readonly folder: string = join(this.outside, 'workspace')

  /** When the commits of {@link git} are made. */
  gitDate = '2024-01-01T10:00:00Z'

  constructor(files: Record<string, string | Uint8Array> = {}) {
    mkdirSync(this.folder)
    this.write(files)
  }

  write(files: Record<string, string | Uint8Array>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true })
      writeFileSync(this.path(path), content)
    }
  }

  remove(path: string): void {
    rmSync(this.path(path), { recursive: true })
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  /** Runs git in the workspace with a fixed identity and time. */
  git(...args: string[]): string {
    const dates = { GIT_AUTHOR_DATE: this.gitDate, GIT_COMMITTER_DATE: this.gitDate }
    const env = { ...gitTestEnvironment(this.outside), ...dates }
    return execFileSync('git', args, { cwd: this.folder, env, encoding: 'utf8' })
  }

  [Symbol.dispose](): void {
    chmodSync(this.folder, 0o755)
    rmSync(this.outside, { recursive: true, force: true })
  }
}

/** Keeps the settings of whoever runs the tests out of them. */
export function gitTestEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada Lovelace',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada Lovelace',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  }
}
