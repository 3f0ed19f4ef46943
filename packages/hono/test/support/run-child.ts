import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundleEntry } from '@atp/testing'

/** A server in a process of its own. */
export interface Child {
  /** What it printed first. */
  url: string
  /** Ends it; resolves once it is gone. */
  close(): Promise<void>
}

const require = createRequire(import.meta.url)

/** Bundles an entry and runs it in Deno, which may do nothing but use the network. */
export function runDeno(entry: URL): Promise<Child> {
  const command = join(dirname(require.resolve('deno/package.json')), 'deno')
  return runBundled(entry, command, ['run', '--no-prompt', '--no-remote', '--allow-net=127.0.0.1'])
}

/** Bundles an entry and runs it in Bun. */
export function runBun(entry: URL): Promise<Child> {
  return runBundled(entry, join(dirname(require.resolve('bun/package.json')), 'bin/bun.exe'), ['run'])
}

/**
 * Starts a server that prints its URL first, and that ends when its standard input does: so it never outlives the tests.
 * Obligation: `command` is the binary itself; the scripts in `.bin` start it and leave it behind when they are ended.
 * @throws Error when the binary is missing, or when the process ends before it printed a URL
 */
async function runBundled(entry: URL, command: string, args: readonly string[]): Promise<Child> {
  if (!existsSync(command)) throw new Error(`${command} is missing; install again, with its build script allowed`)
  const folder = await mkdtemp(join(tmpdir(), 'atp-hono-'))
  const file = join(folder, 'server.mjs')
  await writeFile(file, await bundleEntry(entry))
  const child = spawn(command, [...args, file], {
    cwd: folder,
    env: { ...process.env, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: '1' },
  })
  const ended = once(child, 'close').finally(() => rm(folder, { recursive: true, force: true }))
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint += text
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    ended.then(() => reject(new Error(`${command} ended before it listened: ${complaint}`)), reject)
  })
  return {
    url: new URL(line).origin,
    close: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
