import { runCli } from '../src/run-cli.ts'
import type { Finished } from './run-atp.ts'

/** Runs the command in this process, with no environment: faster than `runAtp`, for what needs no process of its own. */
export async function runHere(...args: string[]): Promise<Finished & { code: number }> {
  const written = { stdout: '', stderr: '' }
  const code = await runCli(args, {
    stdin: (async function* () {})(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env: {},
    cwd: '/no/such/folder',
    onInterrupt: () => () => {},
  })
  return { code, ...written }
}
