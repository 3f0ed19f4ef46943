import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { CliIo } from '../cli-io.ts'
import { InterruptedError, UsageError } from '../exit-errors.ts'
import type { ToolkitFinding } from '../modules/find-toolkits.ts'
import { messageLine } from '../plain-text.ts'
import { type LintedToolkit, lintedTools } from './linted-toolkit.ts'

/** What the process that loads a module says, once. */
export type ModuleMessage = { toolkits: ToolkitFinding[] } | { failure: string }

const moduleMessage = z.union([
  z.object({ toolkits: z.array(z.object({ name: z.string(), tools: lintedTools, connects: z.boolean() })) }),
  z.object({ failure: z.string() }),
])

const moduleProcess = import.meta.filename.endsWith('.ts')
  ? new URL('./module-process.ts', import.meta.url)
  : new URL('./module-process.js', import.meta.url)

/**
 * Loads a module in a process of its own, without network, and returns the toolkits it exports. That process ends
 * before this one goes on, whatever the module left running. What it prints goes to stderr.
 * @throws UsageError when it cannot be loaded, not in time, or exports no toolkit; InterruptedError after Ctrl-C
 */
export async function loadModule(
  file: string,
  timeoutMs: number,
  io: Pick<CliIo, 'stderr' | 'onInterrupt'>,
): Promise<LintedToolkit[]> {
  const child = fork(fileURLToPath(moduleProcess), [file], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => void io.stderr.write(messageLine(text.replace(/\n$/, ''))))
  }
  let message: unknown
  let ending: 'interrupted' | 'too late' | undefined
  const end = (why: typeof ending): void => {
    ending = why
    child.kill('SIGKILL')
  }
  child.once('message', (given) => {
    message = given
    // A failure ends by itself, when all is printed.
    if (typeof given === 'object' && 'toolkits' in given) child.kill('SIGKILL')
  })
  const timer = setTimeout(() => end('too late'), timeoutMs)
  const release = io.onInterrupt(() => end('interrupted'))
  try {
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject).once('close', (...how) => resolve(how))
    })
    // A terminal sends Ctrl-C to both processes.
    if (message === undefined && (ending === 'interrupted' || signal === 'SIGINT'))
      throw new InterruptedError('Interrupted')
    if (message === undefined && ending === 'too late') throw new UsageError(tooLate(file, timeoutMs))
    if (message === undefined)
      throw new UsageError(`Cannot load ${file}: it ended the process (${signal ?? `exit code ${exitCode}`})`)
    return readMessage(message, file)
  } finally {
    clearTimeout(timer)
    release()
  }
}

function readMessage(message: unknown, file: string): LintedToolkit[] {
  const read = moduleMessage.safeParse(message)
  if (!read.success) throw new UsageError(`A toolkit of ${file} has tools that cannot be read: use registerTool`)
  if ('failure' in read.data) throw new UsageError(`Cannot load ${file}: ${read.data.failure}`)
  if (read.data.toolkits.length > 0) return read.data.toolkits
  throw new UsageError(`${file} exports no toolkit: export a Toolkit, a ToolKitClient or a registry of them`)
}

function tooLate(file: string, timeoutMs: number): string {
  return (
    `Cannot load ${file}: it was not loaded within ${timeoutMs / 1_000} seconds (--timeout). Modules are loaded ` +
    'without network: if it waits for start() or for an answer, do that only where import.meta.main is true'
  )
}
