import type { Tool } from '../model/models.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'

/** What an index knows of tools; documents are numbered in the order of the repository. */
export interface DocumentIndex {
  add(document: number, tool: Tool): void
  remove(document: number): void
}

/** Below this many documents, removed ones do not matter. */
const minCompacted = 1_000

/** An index and the numbering of its documents. */
export class IndexedTools<Index extends DocumentIndex> {
  readonly index: Index
  /** By document. Only names: a repository may hold more than fits into memory. */
  readonly #names: (string | undefined)[] = []
  readonly #byName = new Map<string, number>()
  readonly #byManual = new Map<string, number[]>()

  constructor(index: Index) {
    this.index = index
  }

  /** How many documents there are. */
  get size(): number {
    return this.#byName.size
  }

  /** One more than the highest number of a document. */
  get end(): number {
    return this.#names.length
  }

  /** The tool's name, or undefined for one that was removed. */
  name(document: number): string | undefined {
    return this.#names[document]
  }

  addManual(manual: string, tools: readonly Tool[]): void {
    const documents: number[] = []
    for (const tool of tools) {
      this.removeTool(tool.name)
      const document = this.#names.length
      this.#names.push(tool.name)
      this.#byName.set(tool.name, document)
      this.index.add(document, tool)
      documents.push(document)
    }
    this.#byManual.set(manual, documents)
  }

  removeManual(manual: string): void {
    for (const document of this.#byManual.get(manual) ?? []) {
      const name = this.#names[document]
      if (name !== undefined) this.removeTool(name)
    }
    this.#byManual.delete(manual)
  }

  removeTool(name: string): void {
    const document = this.#byName.get(name)
    if (document === undefined) return
    this.#byName.delete(name)
    this.#names[document] = undefined
    this.index.remove(document)
  }
}

/**
 * Keeps an index in step with a repository, reading only what changed since the last time. Removed documents leave holes
 * in the numbering; when there are more holes than documents, everything is read anew.
 */
export class SearchIndex<Index extends DocumentIndex> {
  readonly #make: () => Index
  #indexed: IndexedTools<Index>
  #revision: number | undefined
  #syncing: Promise<IndexedTools<Index>> | undefined

  constructor(make: () => Index) {
    this.#make = make
    this.#indexed = new IndexedTools(make())
  }

  /**
   * Brings the index up to date. Searches that come at the same time wait for the same work. Obligation: use the answer
   * at once; after the next `await` it may be another one's.
   */
  sync(repository: ConcurrentToolRepository): Promise<IndexedTools<Index>> {
    this.#syncing ??= this.#sync(repository).finally(() => {
      this.#syncing = undefined
    })
    return this.#syncing
  }

  async #sync(repository: ConcurrentToolRepository): Promise<IndexedTools<Index>> {
    const changes = await repository.getChanges(this.#revision)
    const indexed = this.#indexed
    const holes = indexed.end - indexed.size
    if (changes.manuals === undefined || holes > Math.max(minCompacted, indexed.size)) {
      return this.#rebuild(repository, changes.revision)
    }
    if (changes.revision === this.#revision) return indexed
    // All is read before anything is changed: a repository that fails half way must not leave half an index.
    const read = await readManuals(repository, changes.manuals)
    for (const name of changes.removedTools) indexed.removeTool(name)
    for (const { manual } of read) indexed.removeManual(manual)
    for (const { manual, tools } of read) indexed.addManual(manual, tools)
    this.#revision = changes.revision
    return indexed
  }

  /** @param revision from before anything is read: what changes meanwhile is read again next time */
  async #rebuild(repository: ConcurrentToolRepository, revision: number): Promise<IndexedTools<Index>> {
    const templates = await repository.getManualCallTemplates()
    const indexed = new IndexedTools(this.#make())
    const names = templates.map(({ name }) => name ?? '')
    for (const { manual, tools } of await readManuals(repository, names)) indexed.addManual(manual, tools)
    this.#indexed = indexed
    this.#revision = revision
    return indexed
  }
}

async function readManuals(
  repository: ConcurrentToolRepository,
  manuals: readonly string[],
): Promise<{ manual: string; tools: readonly Tool[] }[]> {
  return Promise.all(
    manuals.map(async (manual) => ({ manual, tools: (await repository.getToolsByManual(manual)) ?? [] })),
  )
}
