import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { temporaryFolder } from '../run-atp.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** A command at a terminal of its own, which `script` of util-linux makes. */
export interface Terminal {
  /** Presses keys. */
  type(keys: string): void
  /** All that stands there, without the sequences that move the cursor. */
  screen(): string
  /** All that was written. */
  raw(): string
  /** Waits until what was written since the last `type` matches. */
  sees(text: string | RegExp): Promise<void>
  exitCode: Promise<number | null>
}

export const keys = { ctrlC: '\u0003', ctrlD: '\u0004', enter: '\r' }

/** Runs `atp` from its sources at a terminal of 80 columns. */
export function openTerminal(args: readonly string[], env: Record<string, string>): Terminal {
  const quoted = [process.execPath, '--conditions=@atp/source', main, ...args].map((word) => `'${word}'`).join(' ')
  const typescript = join(temporaryFolder(), 'typescript')
  const child = spawn('script', ['-qfec', `stty cols 80 rows 40; exec ${quoted}`, typescript], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let written = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`These tests need script of util-linux: ${error.message}`)))
    child.on('close', resolve)
  })
  exitCode.catch(() => {})
  onTestFinished(() => void child.kill('SIGKILL'))
  const screen = (): string => stripVTControlCharacters(written).replaceAll('\r', '')
  return {
    type(text) {
      seen = screen().length
      child.stdin.write(text)
    },
    screen,
    raw: () => written,
    async sees(text) {
      const found = () => screen().slice(seen)
      await (typeof text === 'string'
        ? expect.poll(found, { timeout: 15_000 }).toContain(text)
        : expect.poll(found, { timeout: 15_000 }).toMatch(text))
    },
    exitCode,
  }
}
