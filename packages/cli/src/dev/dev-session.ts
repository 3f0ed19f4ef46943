import { type AtpError, isAtpError } from '@atp/core'
import type { DevEvent, DevView } from './dev-events.ts'
import { DevToolkit, type ToolChanges } from './dev-toolkit.ts'
import { stampOf } from './file-stamp.ts'
import { FileWatcher } from './file-watcher.ts'
import type { AnnouncedToolkit } from './messages.ts'
import type { ProxyHost } from './proxy-tool.ts'
import type { ToolkitKeys } from './toolkit-keys.ts'
import { type GenerationOptions, ToolsGeneration } from './tools-generation.ts'

/** What a {@link DevSession} is made of. */
export interface SessionOptions extends Pick<GenerationOptions, 'files' | 'loadTimeoutMs' | 'cwd'> {
  url: string
  keys: ToolkitKeys
  /** The environment of the tools, read anew for each load. @throws Error for people */
  readEnv(): Record<string, string | undefined>
  /** A file that {@link readEnv} reads. */
  envFile: string | undefined
  view: DevView
}

/** How long calls may go on with code that has changed since. */
const retireMs = 30_000

/** How long calls may take when the command ends. */
const drainTimeoutMs = 5_000

/** Keeps toolkits connected, and their tools those of the files as they are. */
export class DevSession {
  /** Never resolves; rejects with what no change of a file would mend. */
  readonly failed: Promise<never>
  readonly #options: SessionOptions
  readonly #host: ProxyHost
  readonly #watcher: FileWatcher
  readonly #toolkits = new Map<string, DevToolkit>()
  /** Processes that have not ended: the current one, one that loads, those whose last calls go on. */
  readonly #generations = new Set<ToolsGeneration>()
  readonly #fail: (error: unknown) => void
  #current: ToolsGeneration | undefined
  /** The files of the current process, or of the last that failed to load, with the stamps it knows. */
  #known: Map<string, string>
  #loading: ToolsGeneration | undefined
  /** What the current process announced since it was loaded, and the server is not told of yet. */
  #announced: readonly AnnouncedToolkit[] | undefined
  #working: Promise<void> | undefined
  #changed = new Set<string>()
  #wanted = false
  #ready = false
  #stopped = false
  #lastNumber = 0

  constructor(options: SessionOptions) {
    this.#options = options
    const { files, envFile, view } = options
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => {})
    this.failed = failed.promise
    this.#fail = failed.reject
    this.#known = new Map([...files, ...(envFile === undefined ? [] : [envFile])].map((file) => [file, '']))
    this.#host = {
      generation: () => this.#current as ToolsGeneration,
      nextNumber: () => {
        this.#lastNumber += 1
        return this.#lastNumber
      },
      observer: view,
    }
    this.#watcher = new FileWatcher((changed) => this.reload(changed))
  }

  /** Loads the files, again if they are loaded; returns at once. A load that has not ended is given up. */
  reload(changed: readonly string[] = []): void {
    if (this.#stopped) return
    for (const file of changed) this.#changed.add(file)
    this.#wanted = true
    this.#loading?.kill('the files changed again')
    this.#working ??= this.#work()
  }

  /** Ends all in order: calls under way may end, then connections, then processes. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#watcher.close()
    this.#loading?.kill('atp dev ends')
    await Promise.all([...this.#toolkits.values()].map((toolkit) => toolkit.stop()))
    await this.#working
    await Promise.all([...this.#generations].map((generation) => generation.retire(0, 'atp dev ends')))
  }

  /** Ends all processes at once. */
  kill(): void {
    for (const generation of this.#generations) generation.kill('atp dev was ended')
  }

  async #work(): Promise<void> {
    try {
      while (!this.#stopped) {
        if (this.#wanted) await this.#load()
        else if (this.#announced) await this.#tellChanges(this.#announced)
        else break
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#working = undefined
    }
  }

  async #load(): Promise<void> {
    this.#wanted = false
    const { files, loadTimeoutMs, cwd, view } = this.#options
    const startedAt = performance.now()
    const stamps = new Map([...this.#known.keys()].map((file) => [file, stampOf(file)]))
    const loaded = new Map([...stamps].filter(([file]) => files.includes(file) || file === this.#options.envFile))
    let generation: ToolsGeneration | undefined
    try {
      generation = new ToolsGeneration({
        ...{ files, loadTimeoutMs, cwd, env: this.#options.readEnv() },
        onFile: (file, stamp) => {
          loaded.set(file, stamp)
          if (this.#known === loaded) this.#watcher.add(file, stamp)
        },
        onChange: (toolkits) => {
          if (this.#current !== generation) return
          this.#announced = toolkits
          this.#working ??= this.#work()
        },
        onOutput: (line) => view.show({ type: 'output', line }),
      })
      this.#track(generation)
      this.#loading = generation
      const toolkits = await generation.loaded
      this.#watch(loaded)
      const changes = await this.#apply(generation, toolkits)
      if (this.#wanted || this.#stopped) return
      const shown = { toolkits: changes, fileCount: loaded.size, durationMs: performance.now() - startedAt }
      if (this.#ready) this.#show({ type: 'reloaded', files: [...this.#changed], ...shown })
      else this.#show({ type: 'ready', ...shown })
      this.#ready = true
      this.#changed.clear()
    } catch (error) {
      if (isAtpError(error) && isFinal(error)) throw error
      // What was not reached this time may be what has to be changed.
      if (this.#current !== generation) this.#watch(new Map([...stamps, ...loaded]))
      if (this.#wanted || this.#stopped) return
      this.#show({ type: 'failed', message: (error as Error).message, serving: this.#isServing() })
    } finally {
      this.#loading = undefined
    }
  }

  /** Tools that were registered or removed by a process that goes on. */
  async #tellChanges(toolkits: readonly AnnouncedToolkit[]): Promise<void> {
    this.#announced = undefined
    const startedAt = performance.now()
    try {
      const changes = await Promise.all(toolkits.map((toolkit) => this.#announce(toolkit)))
      if (changes.every(isNothing) || this.#stopped) return
      const shown = { toolkits: changes, fileCount: this.#known.size, durationMs: performance.now() - startedAt }
      this.#show({ type: 'reloaded', files: [], ...shown })
    } catch (error) {
      if (isAtpError(error) && isFinal(error)) throw error
      if (!this.#stopped) this.#show({ type: 'failed', message: (error as Error).message, serving: this.#isServing() })
    }
  }

  #watch(files: Map<string, string>): void {
    this.#known = files
    if (!this.#stopped) this.#watcher.replace(files)
  }

  #track(generation: ToolsGeneration): void {
    this.#generations.add(generation)
    void generation.ended.then((why) => {
      this.#generations.delete(generation)
      if (this.#current !== generation || this.#stopped) return
      this.#show({ type: 'failed', message: `The tools cannot be called: ${why}`, serving: false })
      // One that ran tools may run them again; one that ends by itself would only do that again.
      if (generation.callCount > 0) this.reload()
    })
  }

  /** From here on calls go to the new process. Resolves when the server knows its tools. */
  async #apply(generation: ToolsGeneration, announced: readonly AnnouncedToolkit[]): Promise<ToolChanges[]> {
    const previous = this.#current
    this.#current = generation
    this.#announced = undefined
    this.#loading = undefined
    const gone = [...this.#toolkits].filter(([name]) => !announced.some((toolkit) => toolkit.name === name))
    for (const [name] of gone) this.#toolkits.delete(name)
    const works = announced.map((toolkit) => this.#announce(toolkit))
    const [changes] = await Promise.all([
      Promise.all(works),
      // Its calls run in the process that retires.
      ...gone.map(([, toolkit]) => toolkit.stop()),
    ]).finally(() => {
      void previous?.retire(retireMs, `its code was changed, and it still ran ${retireMs / 1_000} s later`)
    })
    const removed = gone.map(([name, toolkit]) => ({
      ...unchanged(name),
      removed: [...toolkit.registeredTools.keys()],
    }))
    return [...changes, ...removed]
  }

  async #announce(announced: AnnouncedToolkit): Promise<ToolChanges> {
    const known = this.#toolkits.get(announced.name)
    if (known === undefined) return this.#connect(announced)
    const changes = known.update(announced)
    // While the server is away there is nobody to wait for; it is told when it is back.
    if (known.state === 'connected') await known.whenRegistered().catch(ignoreLost)
    return changes
  }

  async #connect(announced: AnnouncedToolkit): Promise<ToolChanges> {
    const { url, keys } = this.#options
    const { name } = announced
    for (;;) {
      const apiKey = await keys.keyFor(name)
      if (this.#stopped) throw new Error('atp dev ends')
      const toolkit = new DevToolkit({ appName: name, apiKey, baseUrl: url, drainTimeoutMs }, this.#host)
      const changes = toolkit.update(announced)
      this.#toolkits.set(name, toolkit)
      const release = this.#follow(toolkit)
      try {
        await toolkit.start()
        return changes
      } catch (error) {
        release()
        this.#toolkits.delete(name)
        await toolkit.stop()
        const refused = isAtpError(error) && (isFinal(error) || error.code === 'toolkit_name_conflict')
        if (!refused || !(await keys.refused(name))) throw error
      }
    }
  }

  /** Shows what becomes of a connection that was there. */
  #follow(toolkit: DevToolkit): () => void {
    const name = toolkit.appName
    let lost = false
    const releases = [
      toolkit.on('reconnecting', ({ error }) => {
        if (!lost) this.#show({ type: 'connection_lost', toolkit: name, message: error.message })
        lost = true
      }),
      toolkit.on('connected', () => {
        if (lost) this.#show({ type: 'connection_back', toolkit: name })
        lost = false
      }),
      toolkit.on('disconnected', ({ error }) => {
        if (error && toolkit.state === 'refused') this.#fail(error)
      }),
    ]
    return () => {
      for (const release of releases) release()
    }
  }

  #isServing(): boolean {
    return this.#ready && this.#current !== undefined && this.#generations.has(this.#current)
  }

  #show(event: DevEvent): void {
    this.#options.view.show(event)
  }
}

/** Whether another try with the same key is refused as well. */
function isFinal({ code }: AtpError): boolean {
  return code === 'unauthorized' || code === 'forbidden'
}

/** @throws what the server has against the tools */
function ignoreLost(error: unknown): void {
  if (!isAtpError(error) || error.code === 'registration_rejected') throw error
}

function isNothing({ added, changed, removed, identity }: ToolChanges): boolean {
  return added.length + changed.length + removed.length === 0 && !identity
}

function unchanged(toolkit: string): ToolChanges {
  return { toolkit, added: [], changed: [], removed: [], unchanged: [], identity: false }
}
