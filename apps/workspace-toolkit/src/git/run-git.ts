import { execFile } from 'node:child_process'
import { delimiter, isAbsolute } from 'node:path'
import { ToolError } from '@atp/core'
import { isInside } from '../confinement/inside.ts'

/** What git answered. */
export interface GitAnswer {
  exitCode: number
  stdout: string
  stderr: string
}

/** How git is run. */
export interface GitOptions {
  signal?: AbortSignal | undefined
  /** @default 20_000 */
  timeoutMs?: number
  /** @default process.env */
  environment?: Readonly<Record<string, string | undefined>>
}

const maxOutputBytes = 4_194_304
const passedOn = ['HOME', 'LANG', 'TZ', 'XDG_CONFIG_HOME', 'SystemRoot', 'USERPROFILE']

/** Settings that keep a repository's own configuration from starting other programs. */
const safeSettings = ['core.fsmonitor=false', 'log.showSignature=false', 'safe.bareRepository=explicit']

/**
 * Runs git in a folder: by argument list, no shell, a short environment, no pager, no prompt, no network. Ends it
 * when the signal aborts.
 * @throws ToolError when git is not installed, takes too long or says too much; the signal's reason
 */
export async function runGit(folder: string, args: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  const { signal, timeoutMs = 20_000, environment = process.env } = options
  signal?.throwIfAborted()
  const env = gitEnvironment(folder, environment)
  // An empty search path means the current folder, which is the workspace.
  if (env.PATH === '') throw notInstalledError()
  const settings = safeSettings.flatMap((setting) => ['-c', setting])
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      ['--no-pager', '--literal-pathspecs', ...settings, ...args],
      {
        cwd: folder,
        env,
        timeout: timeoutMs,
        // git log keeps nothing that a hard end could damage.
        killSignal: 'SIGKILL',
        maxBuffer: maxOutputBytes,
        windowsHide: true,
        ...(signal ? { signal } : {}),
      },
      (error, stdout, stderr) => {
        if (!error) resolve({ exitCode: 0, stdout, stderr })
        else if (signal?.aborted) reject(signal.reason)
        else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr })
        else reject(startError(error, timeoutMs))
      },
    )
  })
}

function startError(error: Error & { code?: unknown; killed?: boolean }, timeoutMs: number): ToolError {
  if (error.code === 'ENOENT') return notInstalledError()
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new ToolError('git printed more than 4 MiB; ask for fewer commits with limit, path or since')
  }
  if (error.killed) {
    return new ToolError(`git did not answer within ${timeoutMs} ms; ask for less with limit, path or since`)
  }
  return new ToolError(`git could not be run (${String(error.code ?? error.message)})`, { cause: error })
}

function notInstalledError(): ToolError {
  return new ToolError('git is not installed on the machine of this toolkit, so there is no history to show')
}

function gitEnvironment(
  folder: string,
  source: Readonly<Record<string, string | undefined>>,
): Record<string, string> & { PATH: string } {
  const kept = passedOn.flatMap((name) => (source[name] === undefined ? [] : [[name, source[name]]]))
  return {
    ...Object.fromEntries(kept),
    PATH: gitSearchPath(folder, source.PATH ?? source.Path ?? ''),
    // Error texts are read below and by models: one language.
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    // A partial clone would fetch missing objects from its server.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  }
}

/** A program called git inside the workspace folder is content of it, and never run. */
function gitSearchPath(folder: string, path: string): string {
  const folders = path.split(delimiter).filter((entry) => isAbsolute(entry) && !isInside(folder, entry))
  return folders.join(delimiter)
}
