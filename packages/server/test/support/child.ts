import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A fixture in a process of its own, killed at the end of the test's block. */
export interface Child extends AsyncDisposable {
  process: ChildProcess
  /** The first line of output, old or new, that fits. */
  line(fits: string | RegExp): Promise<string>
  /** Ends it the hard way and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<number | null>
}

/** Runs `test/fixtures/NAME.ts` from source. */
export function startChild(name: string, args: string[]): Child {
  const script = fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@atp/source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const look of [...waiting]) look()
  })
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  return {
    process: child,
    line: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => (typeof fits === 'string' ? line === fits : fits.test(line)))
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        void exited.then((code) => reject(new Error(`${name} ended with ${code} while a test waited for ${fits}`)))
        look()
      }),
    kill(signal = 'SIGKILL') {
      child.kill(signal)
      return exited
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
