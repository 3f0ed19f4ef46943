import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerLimits } from '@atp/server'
import type { Exit, FaultProcess } from '../children/processes.ts'
import type { FaultContext, FaultReport } from '../fault.ts'
import { type Ledger, openLedger, readLedgers } from '../ledger/ledger.ts'
import type { Excuse, LedgerEntry } from '../ledger/ledger-entry.ts'
import { judge, type Violation } from '../oracle/judge.ts'
import type { ServerPlan } from '../processes/server.ts'
import type { ToolkitPlan } from '../processes/toolkit.ts'
import type { CallerPlan, CallerProgress } from './caller-plan.ts'
import { collectServerLedger } from './collect.ts'
import { emptySchema, type Schema } from './schema.ts'
import type { ServerInfo } from './server-info.ts'

/** How a scene is set. */
export interface SceneOptions {
  /** Stores on PostgreSQL instead of SQLite. @default false */
  postgres?: boolean
  limits?: Partial<ServerLimits>
  /** The environment of the server. */
  env?: Record<string, string>
  /** @default a new folder */
  dataDir?: string
}

/** A toolkit of a scene and whether it is connected. */
export interface ToolkitProcess extends FaultProcess {
  /** How often it has connected, the first time included. */
  readonly connections: number
  /** Resolves once it has connected so often. */
  connected(times: number): Promise<void>
}

/** A caller of a scene. */
export interface CallerProcess extends FaultProcess {
  /** What it told last. */
  readonly progress: CallerProgress
  /** Resolves once so many of its calls have succeeded since this was asked. @throws Error when it ends before */
  succeeds(more: number): Promise<void>
  stop(): Promise<void>
}

/** What goes with a fault; times by the clock of the ledgers. */
export interface FaultTimes {
  at: number
  until: number
  recoverFrom?: number
  who?: string
}

/** A server, its toolkits and callers, each in a process of its own, with the ledgers they write. */
export class Scene implements AsyncDisposable {
  readonly ledgers: string
  readonly dataDir: string
  readonly #context: FaultContext
  readonly #options: SceneOptions
  readonly #folder: string
  readonly #ledger: Ledger
  #schema: Schema | undefined
  #server: FaultProcess | undefined
  #info: ServerInfo | undefined
  #port = 0
  readonly #others = new Set<FaultProcess>()
  /** Rejects when the server ends by itself, or a caller has a defect: nothing that is waited for would ever come. */
  readonly #failed = Promise.withResolvers<never>()
  #endsAsAsked = false

  private constructor(context: FaultContext, options: SceneOptions) {
    this.#context = context
    this.#options = options
    this.#folder = mkdtempSync(join(tmpdir(), 'atp-fault-'))
    this.ledgers = join(this.#folder, 'ledgers')
    this.dataDir = options.dataDir ?? join(this.#folder, 'data')
    mkdirSync(this.ledgers)
    this.#ledger = openLedger(this.ledgers, 'harness')
    // Nobody may wait for it at the moment.
    this.#failed.promise.catch(() => {})
  }

  /** Sets a scene and starts its server. @throws LeftOut without PostgreSQL where that is asked for */
  static async start(context: FaultContext, options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(context, options)
    try {
      if (options.postgres) scene.#schema = await emptySchema(context.database)
      await scene.startServer()
      return scene
    } catch (error) {
      await scene[Symbol.asyncDispose]()
      throw error
    }
  }

  get server(): FaultProcess {
    if (this.#server === undefined) throw new Error('The server is not running')
    return this.#server
  }

  get info(): ServerInfo {
    if (this.#info === undefined) throw new Error('The server was never started')
    return this.#info
  }

  /** Starts the server, again on the port that it had. */
  async startServer(): Promise<void> {
    const plan: ServerPlan = {
      dataDir: this.dataDir,
      databaseUrl: this.#schema?.url,
      port: this.#port,
      limits: this.#options.limits ?? {},
      entry: this.#context.serverEntry,
    }
    const { env } = this.#options
    this.#server = await this.#context.processes.start({ script: 'server', name: 'server', plan, ...(env && { env }) })
    const { started, exited } = this.#server
    this.#endsAsAsked = false
    void exited.then(({ code, signal }) => {
      if (!this.#endsAsAsked) this.#failed.reject(new Error(`The server ended by itself with ${signal ?? code}`))
    })
    this.#info = started as ServerInfo
    this.#port = Number(new URL(this.#info.url).port)
  }

  /** Ends the server with a signal and waits until it is gone. */
  async endServer(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    this.#endsAsAsked = true
    this.server.signal(signal)
    return this.server.exited
  }

  /** A key of a kind. */
  key(kind: 'toolkit' | 'llm', name: string): Promise<string> {
    return this.server.ask('key', { kind, name })
  }

  /** Starts a toolkit under a key of its own, or one that it shares with others. */
  async toolkit(plan: Partial<ToolkitPlan> & { name: string }): Promise<ToolkitProcess> {
    const appName = plan.appName ?? 'tools'
    const whole: ToolkitPlan = {
      appName,
      ledgers: this.ledgers,
      baseUrl: this.info.url,
      apiKey: plan.apiKey ?? (await this.key('toolkit', appName)),
      protocol: 'ws',
      maxConcurrency: 512,
      ...plan,
    }
    const child = await this.#start('toolkit', plan.name, whole)
    let connections = 1
    child.on('connected', () => {
      connections += 1
    })
    return extend(child, {
      get connections() {
        return connections
      },
      connected: (times: number) => this.#until(child, 'connected', () => connections >= times),
    })
  }

  /** Starts a caller; it sends at once. */
  async caller(plan: Partial<CallerPlan> & Pick<CallerPlan, 'name' | 'kinds' | 'pace'>): Promise<CallerProcess> {
    const whole: CallerPlan = {
      ledgers: this.ledgers,
      baseUrl: this.info.url,
      apiKey: this.info.llmKey,
      toolkitId: 'tools',
      protocol: 'ws',
      workMs: 20,
      timeoutMs: 20_000,
      ...plan,
    }
    const child = await this.#start('caller', plan.name, whole)
    let progress: CallerProgress = { sent: 0, underWay: 0, succeeded: 0 }
    child.on('progress', (told: CallerProgress) => {
      progress = told
    })
    child.on('defect', (text: string) => this.#failed.reject(new Error(`${plan.name}: ${text}`)))
    return extend(child, {
      get progress() {
        return progress
      },
      succeeds: (more: number) => {
        const wanted = progress.succeeded + more
        return this.#until(child, 'progress', () => progress.succeeded >= wanted)
      },
      stop: async () => {
        await Promise.race([child.ask('stop'), this.#failed.promise])
        await child.kill()
      },
    })
  }

  /** All that was written down so far. */
  entries(): LedgerEntry[] {
    return readLedgers(this.ledgers)
  }

  /** Starts another process of `src/processes/`. */
  process(script: string, name: string, plan: unknown): Promise<FaultProcess> {
    return this.#start(script, name, plan)
  }

  /** Writes down what was broken. */
  fault(what: string, excuses: Excuse[], { at, ...times }: FaultTimes): void {
    this.#ledger.write({ event: 'fault', what, excuses, ...times }, at)
  }

  /** Asks the server what it knows, and judges all ledgers. Every caller has stopped. */
  async judge(runs: number, notes: string[] = [], more: Violation[] = []): Promise<FaultReport> {
    await collectServerLedger(this.#ledger, this.info, this.entries())
    const { violations, succeeded, ...verdict } = judge(this.entries())
    // A fault under which nothing works at all would otherwise keep every rule.
    if (succeeded === 0) violations.push({ rule: 'recovered', text: 'no call succeeded at all' })
    const { calls, lost, doubled, unknown, slowestRecoveryMs } = verdict
    return { runs, calls, lost, doubled, unknown, slowestRecoveryMs, notes, violations: [...violations, ...more] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#others].map((child) => child.kill()))
    this.#endsAsAsked = true
    await this.#server?.kill()
    this.#ledger.close()
    await this.#schema?.drop()
    if (process.env.ATP_FAULTS_KEEP === undefined) rmSync(this.#folder, { recursive: true, force: true })
    else this.#context.progress(`ledgers kept in ${this.ledgers}`)
  }

  /** As `until`, and rejects when the server ends by itself. */
  #until(child: FaultProcess, notice: string, holds: () => boolean): Promise<void> {
    return Promise.race([until(child, notice, holds), this.#failed.promise])
  }

  async #start(script: string, name: string, plan: unknown): Promise<FaultProcess> {
    const child = await this.#context.processes.start({ script, name, plan })
    this.#others.add(child)
    void child.exited.then(() => this.#others.delete(child))
    return child
  }
}

/** Adds members to a child; getters stay getters. */
function extend<More extends object>(child: FaultProcess, more: More): FaultProcess & More {
  return Object.defineProperties(child, Object.getOwnPropertyDescriptors(more)) as FaultProcess & More
}

/** Resolves once it holds, which is looked at whenever a child tells something. @throws Error when the child is gone */
function until(child: FaultProcess, notice: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!holds()) return
      stop()
      resolve()
    }
    const stop = child.on(notice, look)
    void child.exited.then(() => reject(new Error(`${child.name} ended before it came to "${notice}"`)))
    look()
  })
}
