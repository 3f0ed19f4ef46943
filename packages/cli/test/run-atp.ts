import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { generateMasterKey } from '@atp/server'
import { onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** Spares every child the work of reading the same sources again. */
const compileCache = join(tmpdir(), `atp-cli-test-${process.pid}`)
process.on('exit', () => rmSync(compileCache, { recursive: true, force: true }))

/** What `atp server` needs outside of development. */
export const encryptionKeys: string = generateMasterKey().entry

export interface RunOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  /** Written to stdin, which then ends. */
  stdin?: string
}

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunningAtp {
  child: ChildProcessByStdio<Writable, Readable, Readable>
  /** The first line on stdout; rejects when the command ends without one. */
  firstLine: Promise<string>
  finished: Promise<Finished>
}

/** Starts the command from its sources, with no environment but the one given; it ends with the test at the latest. */
export function startAtp(
  args: readonly string[],
  { env = {}, cwd = tmpdir(), stdin = '' }: RunOptions = {},
): RunningAtp {
  const child = spawn(process.execPath, ['--conditions=@atp/source', main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, TZ: 'UTC', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A command that does not read stdin may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  let stdout = ''
  let stderr = ''
  const firstLine = Promise.withResolvers<string>()
  firstLine.promise.catch(() => {})
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (stdout.includes('\n')) firstLine.resolve(stdout.slice(0, stdout.indexOf('\n')))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => {
      firstLine.reject(new Error(`atp ended with ${code} and no line: ${stderr}`))
      resolve({ code, stdout, stderr })
    })
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, firstLine: firstLine.promise, finished }
}

/** Runs the command to its end. */
export function runAtp(args: readonly string[], options?: RunOptions): Promise<Finished> {
  return startAtp(args, options).finished
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'atp-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
