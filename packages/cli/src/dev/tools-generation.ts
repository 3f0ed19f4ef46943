import { type ChildProcess, fork } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { placeInText } from '../modules/load-error.ts'
import { splitLines } from './line-splitter.ts'
import type { AnnouncedToolkit, ForwardedCall, FromTools, ToTools } from './messages.ts'
import { RunningCall } from './running-call.ts'

/** How a {@link ToolsGeneration} is started. */
export interface GenerationOptions {
  /** Absolute paths. */
  files: readonly string[]
  /** How long loading them may take. */
  loadTimeoutMs: number
  env: Record<string, string | undefined>
  /** The folder that the process runs in. */
  cwd: string
  /** A file was loaded, or is missing; also those that tools load later. */
  onFile(file: string, stamp: string): void
  /** Once the files are loaded: they registered or removed tools by themselves. */
  onChange(toolkits: AnnouncedToolkit[]): void
  /** A line that the process printed. */
  onOutput(line: string): void
}

/** How much of what a failing process prints is looked at. */
const keptLines = 40

/** How long a process that was told to end may take. */
const endMs = 2_000

/** How long what a process printed may take to arrive after its end. */
const lastWordsMs = 500

const isSource = import.meta.filename.endsWith('.ts')
const toolsProcess = isSource
  ? new URL('./tools-process.ts', import.meta.url)
  : new URL('./tools-process.js', import.meta.url)

/** One process with one state of the files, from its start to its end. */
export class ToolsGeneration {
  /** Resolves with what the files export. Rejects with an `Error` for people when they cannot be loaded. */
  readonly loaded: Promise<AnnouncedToolkit[]>
  /** Resolves when the process has ended, with the reason in words. */
  readonly ended: Promise<string>
  /** How many calls were sent to it. */
  callCount = 0
  readonly #child: ChildProcess
  readonly #calls = new Map<number, RunningCall>()
  #lastCall = 0
  #whyKilled: string | undefined
  #onIdle: (() => void) | undefined

  constructor(options: GenerationOptions) {
    const { files, loadTimeoutMs, env, cwd, onFile, onChange, onOutput } = options
    const child = fork(fileURLToPath(toolsProcess), [...files], {
      cwd,
      env,
      execArgv: isSource ? ['--conditions=@atp/source'] : process.execArgv,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#child = child
    const printed: string[] = []
    const onLine = (line: string): void => {
      if (printed.push(line) > keptLines) printed.shift()
      onOutput(line)
    }
    splitLines(child.stdout, onLine)
    splitLines(child.stderr, onLine)
    const loaded = Promise.withResolvers<AnnouncedToolkit[]>()
    const ended = Promise.withResolvers<string>()
    this.loaded = loaded.promise
    this.ended = ended.promise
    // Whoever waits for it is told; it may be that nobody does any more.
    this.loaded.catch(() => {})
    const timer = setTimeout(() => this.kill(tooLate(files, loadTimeoutMs)), loadTimeoutMs)
    let isLoaded = false
    let failed: (FromTools & { type: 'failed' }) | undefined
    child.on('message', (message: FromTools) => {
      if (message.type === 'file') onFile(message.file, message.stamp)
      else if (message.type === 'failed') failed = message
      else if (message.type === 'ready') {
        clearTimeout(timer)
        if (isLoaded) onChange(message.toolkits)
        else loaded.resolve(message.toolkits)
        isLoaded = true
      } else this.#onCallMessage(message)
    })
    const onEnd = (how: string): void => {
      clearTimeout(timer)
      const why = this.#whyKilled ?? how
      const failure = failed && describeFailure(failed, printed)
      loaded.reject(new Error(failure ?? this.#whyKilled ?? `Cannot load ${files.join(', ')}: ${how}`))
      this.#failCalls(why)
      child.stdout?.destroy()
      child.stderr?.destroy()
      ended.resolve(why)
    }
    child.once('error', (error) => onEnd(`its process cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      const how = `its process ended (${signal ?? `exit code ${code}`})`
      // What it said last is read first. Processes that it started may hold its output open for long.
      const late = setTimeout(() => onEnd(how), lastWordsMs)
      child.once('close', () => {
        clearTimeout(late)
        onEnd(how)
      })
    })
  }

  /** Sends a call to the process. Its last step is the outcome, whatever becomes of the process. */
  start(call: ForwardedCall, onProgress: (value: unknown) => void): { id: number; running: RunningCall } {
    this.#lastCall += 1
    this.callCount += 1
    const id = this.#lastCall
    const running = new RunningCall(onProgress)
    this.#calls.set(id, running)
    if (this.#child.connected) this.#send({ type: 'call', id, ...call })
    else this.#end(id, 'its process has ended')
    return { id, running }
  }

  /** Lets a call go on after a partial result. */
  more(id: number): void {
    this.#send({ type: 'more', id })
  }

  /** Tells the tool that its call was cancelled, or is too late. */
  cancel(id: number, reason: unknown): void {
    this.#send({ type: 'cancel', id, reason })
  }

  /** Ends the process when its calls have ended, or with them after `maxMs`. Resolves when it has ended. */
  async retire(maxMs: number, why: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    if (this.#calls.size > 0) {
      await Promise.race([
        this.ended,
        new Promise<void>((resolve) => {
          this.#onIdle = resolve
          timer = setTimeout(resolve, maxMs)
        }),
      ])
    }
    clearTimeout(timer)
    this.#whyKilled ??= why
    this.#failCalls(why)
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), endMs)
    await this.ended
    clearTimeout(killer)
  }

  /** Ends the process at once. Calls fail with the reason. */
  kill(why: string): void {
    this.#whyKilled ??= why
    this.#child.kill('SIGKILL')
  }

  #send(message: ToTools): void {
    // A process that is gone tells so by its end.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #onCallMessage(message: Extract<FromTools, { id: number }>): void {
    const call = this.#calls.get(message.id)
    if (call === undefined) return
    if (message.type === 'outcome') this.#forget(message.id)
    if (message.type === 'progress') call.progress(message.value)
    else call.push(message)
  }

  #forget(id: number): void {
    this.#calls.delete(id)
    if (this.#calls.size === 0) this.#onIdle?.()
  }

  #failCalls(why: string): void {
    for (const id of this.#calls.keys()) this.#end(id, why)
  }

  #end(id: number, why: string): void {
    const message = `The tool gave no answer: ${why}`
    const outcome = { ok: false, error: { code: 'tool_error', message, retryable: false } } as const
    this.#calls.get(id)?.push({ type: 'outcome', outcome })
    this.#forget(id)
  }
}

function describeFailure({ failure, printsPlace }: FromTools & { type: 'failed' }, printed: readonly string[]): string {
  const place = printsPlace ? placeInText(printed.join('\n')) : undefined
  return place === undefined ? failure : `${failure}, at ${place}`
}

function tooLate(files: readonly string[], timeoutMs: number): string {
  return (
    `Cannot load ${files.join(', ')}: not loaded within ${timeoutMs / 1_000} seconds (--timeout). If a file waits for ` +
    'something that does not end, do that only where import.meta.main is true'
  )
}
