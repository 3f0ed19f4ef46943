import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Failure } from '../fixtures/canary-server.ts'

/** A server process of which every line of output is kept. */
export interface CanaryServer extends AsyncDisposable {
  url: string
  /** All of stdout and stderr so far. */
  output(): string
  fail(failure: Failure): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Resolves with the exit code and signal once it is gone and all of its output is here. */
  ended: Promise<unknown[]>
}

/** Starts `fixtures/canary-server.ts`; rejects with its output when it does not come up. */
export async function startCanaryServer(env: Record<string, string>): Promise<CanaryServer> {
  const child = fork(fileURLToPath(new URL('../fixtures/canary-server.ts', import.meta.url)), {
    execArgv: ['--conditions=@atp/source'],
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('latin1').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close')
  const started = await Promise.race([once(child, 'message'), ended.then(() => undefined)])
  if (!started) throw new Error(`the server did not start: ${output}`)
  const [{ url }] = started as [{ url: string }]
  return {
    url,
    output: () => output,
    async fail(failure) {
      const done = Promise.race([once(child, 'message'), ended])
      child.send(failure)
      await done
    },
    kill: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
