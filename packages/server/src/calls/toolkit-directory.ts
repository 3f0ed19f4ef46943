import { isAtpError, type ToolDescriptor } from '@atp/core'
import type { MessageBus } from '../bus/message-bus.ts'
import type { StoredToolkit, ToolkitStore } from '../store/store.ts'

/** A toolkit with its tools, as calls need it. */
export interface DirectoryEntry {
  readonly toolkit: StoredToolkit
  readonly tools: ReadonlyMap<string, ToolDescriptor>
}

const maxEntries = 10_000

/** What is stored of toolkits, kept in memory until it changes: a call must not wait for the database. */
export class ToolkitDirectory {
  readonly #store: ToolkitStore
  readonly #byName = new Map<string, DirectoryEntry>()
  readonly #namesById = new Map<string, Set<string>>()
  /** What was forgotten and not loaded again: better than nothing while the store is unavailable. */
  readonly #outdated = new Map<string, DirectoryEntry>()
  /** Counts changes, so that a load that began before one does not put the old state back. */
  #version = 0

  private constructor(store: ToolkitStore) {
    this.#store = store
  }

  /** Makes a directory that forgets what the bus reports as changed. */
  static async create(store: ToolkitStore, bus: MessageBus): Promise<ToolkitDirectory> {
    const directory = new ToolkitDirectory(store)
    await bus.subscribe('toolkit.changed', ({ toolkitId }) => directory.#forget(toolkitId))
    return directory
  }

  /** The toolkit if it is in memory. */
  peek(projectId: string, idOrName: string): DirectoryEntry | undefined {
    return this.#byName.get(`${projectId}\n${idOrName}`)
  }

  /**
   * The toolkit by id, app name or slug; only the project's own. While the store is unavailable, as it was last known:
   * connected peers go on, and what they registered themselves decides what reaches them.
   */
  async resolve(projectId: string, idOrName: string): Promise<DirectoryEntry | undefined> {
    const known = this.peek(projectId, idOrName)
    if (known) return known
    const name = `${projectId}\n${idOrName}`
    try {
      return await this.#load(projectId, idOrName, name)
    } catch (error) {
      const outdated = this.#outdated.get(name)
      if (outdated && isAtpError(error) && error.code === 'store_unavailable') return outdated
      throw error
    }
  }

  async #load(projectId: string, idOrName: string, name: string): Promise<DirectoryEntry | undefined> {
    const version = this.#version
    const toolkit = await this.#store.resolve(projectId, idOrName)
    const tools = toolkit && (await this.#store.tools(projectId, toolkit.id))
    this.#outdated.delete(name)
    if (!toolkit || !tools) return undefined
    const entry = { toolkit, tools: new Map(tools.map((tool) => [tool.name, tool])) }
    if (version === this.#version) this.#remember(name, entry)
    return entry
  }

  /** Loads everything anew when it is needed: others may have changed it. */
  forgetAll(): void {
    this.#version += 1
    for (const name of this.#byName.keys()) this.#outdate(name)
    this.#namesById.clear()
  }

  #remember(name: string, entry: DirectoryEntry): void {
    if (this.#byName.size >= maxEntries) this.forgetAll()
    this.#byName.set(name, entry)
    const names = this.#namesById.get(entry.toolkit.id) ?? new Set()
    this.#namesById.set(entry.toolkit.id, names.add(name))
  }

  #forget(toolkitId: string): void {
    const names = this.#namesById.get(toolkitId)
    // A toolkit nobody asked for yet may be a new one, whose name can be what another one was found by.
    if (names === undefined) this.forgetAll()
    this.#version += 1
    for (const name of names ?? []) this.#outdate(name)
    this.#namesById.delete(toolkitId)
  }

  #outdate(name: string): void {
    const entry = this.#byName.get(name)
    if (!entry) return
    this.#byName.delete(name)
    if (this.#outdated.size >= maxEntries) this.#outdated.clear()
    this.#outdated.set(name, entry)
  }
}
