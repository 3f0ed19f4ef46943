import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveParent } from '../children/serve-parent.ts'

/** After this a start has failed. */
const startTimeoutMs = 20_000
/** After this a server that was told to end is killed. */
const stopTimeoutMs = 5_000

let running: ChildProcess | undefined
let dataDir: string | undefined

// The CLI has no channel to the bench: this process stands between, and takes it along when it ends.
process.once('exit', () => {
  running?.kill('SIGKILL')
  if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true })
})

/** Starts the built CLI as a user would, and tells how long it took until it could be used. */
serveParent(() => {}, {
  async launch({ cli }: { cli: string }): Promise<{ readyMs: number }> {
    dataDir = await mkdtemp(join(tmpdir(), 'atp-bench-'))
    try {
      const begin = performance.now()
      running = spawn(process.execPath, [cli, 'server', '--dev', '--port', '0', '--data', dataDir], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const url = await announcedUrl(running)
      await untilReady(url, begin + startTimeoutMs)
      return { readyMs: performance.now() - begin }
    } finally {
      await end(running)
      running = undefined
      await rm(dataDir, { recursive: true, force: true })
      dataDir = undefined
    }
  },
})

/** The first address the server prints with a port, on either stream. */
function announcedUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (reason: string): void => {
      clearTimeout(timer)
      reject(new Error(`The CLI ${reason}; it printed: ${output.slice(-1_000)}`))
    }
    const timer = setTimeout(() => fail(`named no address within ${startTimeoutMs / 1000} s`), startTimeoutMs)
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      const url = /http:\/\/127\.0\.0\.1:[1-9]\d*(?=\D)/.exec(output)?.[0]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    }
    server.stdout?.on('data', read)
    server.stderr?.on('data', read)
    server.once('error', (error) => fail(`could not be started: ${error.message}`))
    server.once('close', (code) => fail(`ended with code ${code}`))
  })
}

async function untilReady(url: string, deadline: number): Promise<void> {
  while (performance.now() < deadline) {
    const ready = await fetch(`${url}/readyz`).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status === 200
      },
      () => false,
    )
    if (ready) return
    await new Promise((done) => setTimeout(done, 5))
  }
  throw new Error(`${url}/readyz did not answer 200 within ${startTimeoutMs / 1000} s`)
}

async function end(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
  const timer = setTimeout(() => server.kill('SIGKILL'), stopTimeoutMs)
  server.kill('SIGTERM')
  await once(server, 'exit')
  clearTimeout(timer)
}
