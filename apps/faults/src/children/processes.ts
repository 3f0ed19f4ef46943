import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Question, startCommand, type Told } from './messages.ts'

/** How a child ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A process of `src/processes/` that can be broken. */
export interface FaultProcess {
  readonly name: string
  readonly pid: number
  /** What it answered when it was ready. */
  readonly started: unknown
  /** Resolves when it is gone, however that came. */
  readonly exited: Promise<Exit>
  /** Asks it something. @throws Error when it says so, or is gone */
  ask<T>(command: string, data?: unknown): Promise<T>
  /** Called for everything that it tells by itself. Returns a function that ends the listening. */
  on(notice: string, listener: (data: never) => void): () => void
  /** Sends a signal; false when it is gone. */
  signal(signal: NodeJS.Signals): boolean
  /** Ends it the hard way, also while it is stopped, and waits until it is gone. */
  kill(): Promise<Exit>
}

/** How a child is started. */
export interface StartOptions {
  /** A file of `src/processes/`, without its ending. */
  script: string
  name: string
  /** Passed to the child's start. */
  plan: unknown
  /** Beside the environment of this process. */
  env?: Record<string, string>
}

const readyTimeoutMs = 60_000
const toldChars = 2_000

/** The children of this process, or some of them. None outlives it. */
export class Processes {
  readonly #running = new Set<ForkedProcess>()
  readonly #all: Set<ForkedProcess>

  /** @param of whose children these are, too */
  constructor(of?: Processes) {
    this.#all = of === undefined ? this.#running : of.#running
    // A child that is stopped notices nothing by itself.
    if (of === undefined) process.once('exit', () => this.#killNow())
  }

  /** Starts a child and waits until it is ready. @throws Error when it does not get so far; it is gone then */
  async start(options: StartOptions): Promise<FaultProcess> {
    const child = new ForkedProcess(options)
    for (const children of [this.#running, this.#all]) children.add(child)
    void child.exited.then(() => {
      for (const children of [this.#running, this.#all]) children.delete(child)
    })
    const timer = setTimeout(() => void child.kill(), readyTimeoutMs)
    try {
      child.started = await child.ask(startCommand, options.plan)
      return child
    } catch (error) {
      await child.kill()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends all of them and waits until they are gone. */
  async killAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.kill()))
  }

  #killNow(): void {
    for (const child of this.#running) child.signal('SIGKILL')
  }
}

class ForkedProcess implements FaultProcess {
  readonly name: string
  readonly exited: Promise<Exit>
  started: unknown
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>()
  readonly #listeners = new Map<string, Set<(data: never) => void>>()
  #lastId = 0
  /** What it complained about last: a server under a fault logs thousands of errors, of which the last ones tell most. */
  #complaints = ''

  constructor({ script, name, env }: StartOptions) {
    this.name = name
    const ending = extname(import.meta.url)
    const path = fileURLToPath(new URL(`../processes/${script}${ending}`, import.meta.url))
    this.#process = fork(path, {
      execArgv: ['--conditions=@atp/source'],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-toldChars)
    })
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }))
      // One that could not even be started has no exit.
      this.#process.once('error', () => resolve({ code: null, signal: null }))
    })
    void this.exited.then(({ code, signal }) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${name} ended with ${signal ?? code}: ${this.#complaints}`))
      this.#waiting.clear()
    })
    this.#process.on('message', (told: Told) => this.#onTold(told))
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  ask<T>(command: string, data: unknown = null): Promise<T> {
    this.#lastId += 1
    const question: Question = { id: this.#lastId, command, data }
    const answer = Promise.withResolvers<never>()
    this.#waiting.set(question.id, answer)
    if (!this.#process.connected) answer.reject(new Error(`${this.name} is gone`))
    // A failure to send comes with the exit, which rejects what waits.
    else this.#process.send(question, () => {})
    return answer.promise
  }

  on(notice: string, listener: (data: never) => void): () => void {
    const listeners = this.#listeners.get(notice) ?? new Set()
    this.#listeners.set(notice, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.#process.kill(signal)
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return this.exited
  }

  #onTold(told: Told): void {
    if ('notice' in told) {
      for (const listener of [...(this.#listeners.get(told.notice) ?? [])]) listener(told.data as never)
      return
    }
    const waiter = this.#waiting.get(told.id)
    this.#waiting.delete(told.id)
    if ('error' in told) waiter?.reject(new Error(`${this.name}: ${told.error}`))
    else waiter?.resolve(told.result as never)
  }
}
