import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Host, settings } from './host.ts'

/**
 * Runs `start.ts` as `pnpm start` does, on a free port.
 * @throws Error when it ends before it says where it listens
 */
export async function startNode(): Promise<Host> {
  // The same extension as this file: .ts from the sources, .js when built.
  const start = fileURLToPath(new URL(`../start${extname(import.meta.filename)}`, import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, start], {
    env: { ...process.env, ...settings, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    ended.then(() => reject(new Error('start.ts ended before it listened')), reject)
  })
  return {
    name: 'node',
    url: line.slice(line.indexOf('http')),
    close: async () => {
      child.kill()
      await ended
    },
  }
}
