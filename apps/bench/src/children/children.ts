import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answer, type Question, startCommand } from './messages.ts'

/** A child process that answers questions, one of `processes/`. */
export interface Child {
  readonly pid: number
  /** What the child told when it was ready. */
  readonly started: unknown
  /**
   * Asks one question.
   * @param timeoutMs how long the answer may take. @default 30_000
   * @throws Error when the child says so, does not answer in time, or is gone
   */
  ask<T>(command: string, data?: unknown, timeoutMs?: number): Promise<T>
  /** Ends the child and waits until it is gone. Idempotent. */
  stop(): Promise<void>
}

/** How a child is started. */
export interface StartOptions {
  /** Passed to the child's `start`. */
  data?: unknown
  /** Flags of Node, such as `--expose-gc`. */
  nodeFlags?: readonly string[]
  /** How long the child may take until it is ready. @default 30_000 */
  timeoutMs?: number
}

const defaultTimeoutMs = 30_000
/** How long a child may take to end by itself once its parent let go of it. */
const endTimeoutMs = 3_000

/**
 * The child processes of one parent. They end with it, however it ends: a child leaves when its channel closes (see
 * `serveParent`).
 */
export class Children {
  readonly #running = new Set<ForkedChild>()

  /**
   * Starts `processes/NAME` and waits until it is ready.
   * @throws Error when it fails to start; it is ended then
   */
  async start(name: string, options: StartOptions = {}): Promise<Child> {
    const child = new ForkedChild(name, options.nodeFlags ?? [])
    this.#running.add(child)
    child.gone.then(
      () => this.#running.delete(child),
      () => {},
    )
    try {
      child.started = await child.ask(startCommand, options.data ?? null, options.timeoutMs)
      return child
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  /** Ends all of them and waits until they are gone. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.stop()))
  }

  /** Ends all of them without waiting, for a parent that is about to exit. */
  killAll(): void {
    for (const child of this.#running) child.kill('SIGTERM')
  }
}

class ForkedChild implements Child {
  started: unknown
  /** Resolves with the reason once the process is gone. */
  readonly gone: Promise<string>
  readonly #name: string
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #nextId = 0

  constructor(name: string, nodeFlags: readonly string[]) {
    this.#name = name
    const file = fileURLToPath(new URL(`../processes/${name}${extname(import.meta.filename)}`, import.meta.url))
    if (!existsSync(file)) throw new Error(`There is no process "${name}" to start; ${file} is missing`)
    this.#process = fork(file, [], { execArgv: ['--conditions=@atp/source', ...nodeFlags], stdio: 'inherit' })
    this.gone = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal))
      this.#process.once('error', (error) => resolve(error.message))
    })
    this.gone.then(
      (reason) => this.#rejectAll(`${name} ended (${reason})`),
      () => {},
    )
    this.#process.on('message', (message) => this.#onAnswer(message as Answer))
    // Writing to a child that is just ending fails here; `gone` tells the waiting.
    this.#process.on('error', () => {})
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  ask<T>(command: string, data: unknown = null, timeoutMs: number = defaultTimeoutMs): Promise<T> {
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      if (!this.#process.connected) return reject(new Error(`${this.#name} is gone, so "${command}" cannot be asked`))
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`${this.#name} did not answer "${command}" within ${timeoutMs / 1000} s`))
      }, timeoutMs)
      this.#waiting.set(id, {
        resolve: (result) => {
          clearTimeout(timer)
          resolve(result as T)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#process.send({ id, command, data } satisfies Question)
    })
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    const timer = setTimeout(() => this.kill('SIGKILL'), endTimeoutMs)
    await this.gone
    clearTimeout(timer)
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  #onAnswer(answer: Answer): void {
    const waiter = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('error' in answer) waiter?.reject(new Error(`${this.#name}: ${answer.error}`))
    else waiter?.resolve(answer.result)
  }

  #rejectAll(message: string): void {
    for (const waiter of this.#waiting.values()) waiter.reject(new Error(message))
    this.#waiting.clear()
  }
}
