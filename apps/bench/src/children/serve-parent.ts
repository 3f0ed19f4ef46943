import { type Answer, type Question, startCommand } from './messages.ts'

/** What a child process does when it is asked. What a command returns travels to the parent as JSON. */
export type Commands = Record<string, (data: never) => unknown>

/** CPU time of a process so far, in microseconds. */
export interface CpuTime {
  cpuUs: number
}

/** Memory of a process after garbage collection, in bytes. */
export interface MemoryUse {
  rss: number
  heapUsed: number
}

/**
 * Makes this process a child of `Children`: answers `start` with what `start` returns, then the other commands, and
 * ends when the parent is gone. `cpu` and `memory` are answered by every child.
 */
export function serveParent(start: (data: never) => unknown, commands: Commands = {}): void {
  const known: Commands = { cpu, memory, ...commands, [startCommand]: start }
  process.on('message', (question: Question) => {
    void answer(known, question).then((message) => {
      // The parent may be gone meanwhile; `disconnect` ends this process then.
      if (process.connected) process.send?.(message, undefined, undefined, () => {})
    })
  })
  // The parent's end closes the channel, also after kill -9. Signals end the process in a way that runs exit handlers.
  process.once('disconnect', () => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
}

async function answer(known: Commands, { id, command, data }: Question): Promise<Answer> {
  try {
    const run = known[command]
    if (run === undefined) return { id, error: `There is no command "${command}"` }
    return { id, result: (await run(data as never)) ?? null }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

function cpu(): CpuTime {
  const { user, system } = process.cpuUsage()
  return { cpuUs: user + system }
}

async function memory(): Promise<MemoryUse> {
  // Several passes: finalizers and freed pages of one pass show in the next. Only there with --expose-gc.
  for (let pass = 0; pass < 4 && globalThis.gc !== undefined; pass++) {
    globalThis.gc()
    await new Promise((done) => setTimeout(done, 50))
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heapUsed }
}
