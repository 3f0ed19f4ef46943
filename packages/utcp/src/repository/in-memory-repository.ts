import { UtcpError } from '../errors/utcp-error.ts'
import { copyJson } from '../model/copy-json.ts'
import type { CallTemplate, Tool, UtcpManual } from '../model/models.ts'
import { type Change, rememberedChanges, sumChanges } from './change-log.ts'
import type { ConcurrentToolRepository, ToolChanges } from './tool-repository.ts'

interface Entry {
  readonly template: CallTemplate
  readonly manual: UtcpManual
}

/** Keeps manuals in memory, for one process. Each change is made at once, so that no lock is needed. */
export class InMemToolRepository implements ConcurrentToolRepository {
  /** In the order in which they were saved last. */
  readonly #manuals = new Map<string, Entry>()
  readonly #tools = new Map<string, { readonly tool: Tool; readonly manual: string }>()
  #changes: Change[] = []
  #revision = 0
  #all: readonly Tool[] | undefined

  async saveManual(manualCallTemplate: CallTemplate, manual: UtcpManual): Promise<void> {
    const entry = { template: frozen(manualCallTemplate), manual: frozenManual(manual) }
    const name = nameOf(entry.template)
    this.#forget(name)
    this.#manuals.set(name, entry)
    for (const tool of entry.manual.tools) this.#tools.set(tool.name, { tool, manual: name })
    this.#changed({ manual: name })
  }

  async removeManual(manualName: string): Promise<boolean> {
    if (!this.#forget(manualName)) return false
    this.#changed({ manual: manualName })
    return true
  }

  async removeTool(toolName: string): Promise<boolean> {
    const found = this.#tools.get(toolName)
    const entry = found && this.#manuals.get(found.manual)
    if (found === undefined || entry === undefined) return false
    this.#tools.delete(toolName)
    const tools = Object.freeze(entry.manual.tools.filter((tool) => tool.name !== toolName))
    this.#manuals.set(found.manual, { ...entry, manual: Object.freeze({ ...entry.manual, tools }) })
    this.#changed({ manual: found.manual, tool: toolName })
    return true
  }

  async getTool(toolName: string): Promise<Tool | undefined> {
    return this.#tools.get(toolName)?.tool
  }

  async getTools(): Promise<readonly Tool[]> {
    this.#all ??= Object.freeze(Array.from(this.#manuals.values()).flatMap(({ manual }) => manual.tools))
    return this.#all
  }

  async getToolsByManual(manualName: string): Promise<readonly Tool[] | undefined> {
    return this.#manuals.get(manualName)?.manual.tools
  }

  async getManual(manualName: string): Promise<UtcpManual | undefined> {
    return this.#manuals.get(manualName)?.manual
  }

  async getManuals(): Promise<readonly UtcpManual[]> {
    return Array.from(this.#manuals.values(), ({ manual }) => manual)
  }

  async getManualCallTemplate(manualName: string): Promise<CallTemplate | undefined> {
    return this.#manuals.get(manualName)?.template
  }

  async getManualCallTemplates(): Promise<readonly CallTemplate[]> {
    return Array.from(this.#manuals.values(), ({ template }) => template)
  }

  async getChanges(since?: number): Promise<ToolChanges> {
    const behind = since === undefined ? Number.NaN : this.#revision - since
    if (behind === 0) return { revision: this.#revision, manuals: [], removedTools: [] }
    // A number of another repository, or of longer ago than is remembered.
    if (!(behind > 0 && behind <= this.#changes.length)) {
      return { revision: this.#revision, manuals: undefined, removedTools: [] }
    }
    return sumChanges(this.#revision, this.#changes.slice(this.#changes.length - behind))
  }

  #forget(name: string): boolean {
    const entry = this.#manuals.get(name)
    if (entry === undefined) return false
    // Another manual may have taken over a name since.
    for (const { name: tool } of entry.manual.tools)
      if (this.#tools.get(tool)?.manual === name) this.#tools.delete(tool)
    return this.#manuals.delete(name)
  }

  #changed(change: Change): void {
    this.#revision += 1
    this.#all = undefined
    this.#changes.push(change)
    if (this.#changes.length > 2 * rememberedChanges) this.#changes = this.#changes.slice(-rememberedChanges)
  }
}

/** The name a manual is kept under. @throws UtcpError `repository_failed` when the template has none */
export function nameOf(template: CallTemplate): string {
  if (template.name !== undefined && template.name !== '') return template.name
  throw new UtcpError(
    'repository_failed',
    'A manual is kept under the name of its call template, and this one has none',
  )
}

function frozenManual(manual: UtcpManual): UtcpManual {
  if (Object.isFrozen(manual) && manual.tools.every((tool) => Object.isFrozen(tool))) return manual
  return Object.freeze({ ...manual, tools: Object.freeze(manual.tools.map(frozen)) })
}

/** What the models read is frozen at every depth; anything else is copied. */
function frozen<T extends object>(value: T): T {
  return Object.isFrozen(value) ? value : (copyJson(value, '', 'invalid_manual') as T)
}
