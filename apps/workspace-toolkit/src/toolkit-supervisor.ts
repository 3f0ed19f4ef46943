import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What the toolkit process is told at its start. It goes over the channel, where no process list shows it. */
export interface ToolkitSettings {
  apiKey: string
  baseUrl: string
  folder: string
  hidden: string[]
}

/** What the toolkit process tells. */
export type ToolkitReport =
  | { type: 'ready'; tools: string[] }
  | { type: 'failed'; message: string }
  /** The server does not take the key, at the start or later: starting again changes nothing. */
  | { type: 'refused'; message: string }

/** What {@link ToolkitSupervisor} needs. */
export interface SupervisorOptions extends ToolkitSettings {
  /** Called when the toolkit ended by itself and is started again. */
  onRestart(why: string): void
  /** Called when the server refused the toolkit's key after it was ready; it is not started again. */
  onRefused(message: string): void
}

const restartDelayMs = 1_000
const stopTimeoutMs = 12_000

/** Runs the workspace toolkit in a process of its own and starts it again when it dies. */
export class ToolkitSupervisor {
  readonly #options: SupervisorOptions
  #child: ChildProcess | undefined
  #restart: ReturnType<typeof setTimeout> | undefined
  #stopping = false
  #wasReady = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Resolves with the names of the tools once the server knows them. */
  start(): Promise<string[]> {
    const { onRestart, onRefused, ...settings } = this.#options
    const source = import.meta.filename.endsWith('.ts')
    const child = fork(fileURLToPath(new URL(`./toolkit-process.${source ? 'ts' : 'js'}`, import.meta.url)), {
      execArgv: source ? ['--conditions=@atp/source'] : [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    // A child that is gone already tells so by 'exit' or 'error'.
    child.send(settings satisfies ToolkitSettings, () => {})
    let refused: string | undefined
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('message', (report: ToolkitReport) => {
        if (report.type === 'ready') {
          this.#wasReady = true
          return resolve(report.tools)
        }
        if (report.type === 'refused') refused = report.message
        reject(new TypeError(report.message))
      })
      child.on('exit', (code, signal) => {
        const why = signal ?? `code ${code}`
        reject(new Error(`the toolkit process ended with ${why} before it was ready`))
        if (this.#child !== child || this.#stopping) return
        this.#child = undefined
        if (refused !== undefined) {
          if (this.#wasReady) onRefused(refused)
          return
        }
        this.#restart = setTimeout(() => {
          onRestart(why)
          // A start that fails ends in another exit, which is tried again.
          this.start().catch(() => {})
        }, restartDelayMs)
      })
    })
  }

  /** Lets running calls end, then ends the process. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    // A channel that is gone ends the toolkit as well.
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exited
    clearTimeout(timer)
  }
}
