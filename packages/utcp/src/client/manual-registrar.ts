import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError, UtcpProtocolCloseError, UtcpVariableNotFound } from '../errors/utcp-error.ts'
import {
  type CallTemplate,
  type RegisterManualResult,
  type Tool,
  type UtcpManual,
  utcpVersion,
} from '../model/models.ts'
import type { ManualValidators } from '../protocol/communication-protocol.ts'
import type { ClientParts } from './client-parts.ts'
import { type Discovered, discover, fillManualTemplate, manualExists, protocolFor } from './discover.ts'
import { KeyedLock } from './keyed-lock.ts'
import { diffTools, type ToolDifferences } from './tool-differences.ts'
import { finalName } from './tool-names.ts'

/** What a refresh came to. */
export interface RefreshManualResult extends ToolDifferences {
  readonly manual: string
  /** False when the discovery failed; then everything is as before. */
  readonly success: boolean
  readonly errors: readonly string[]
  readonly warnings: RegisterManualResult['warnings']
}

/** How long a manual holds. */
interface Freshness {
  readonly validators: ManualValidators | undefined
  readonly freshUntil: number
}

/** Registers, refreshes and removes the manuals of one client; what concerns one manual happens one after the other. */
export class ManualRegistrar {
  readonly #parts: ClientParts
  readonly #locks = new KeyedLock()
  readonly #freshness = new Map<string, Freshness>()
  readonly #refreshing = new Set<string>()

  constructor(parts: ClientParts) {
    this.#parts = parts
  }

  /**
   * Registers a manual whose template has been read.
   * @param replace take a stored manual of that name for an earlier version of this one
   */
  register(given: CallTemplate, signal?: AbortSignal, replace = false): Promise<RegisterManualResult> {
    const name = finalName(given)
    const template = Object.freeze({ ...given, name })
    return this.#locks.run(name, async () => {
      this.#checkOpen()
      protocolFor(this.#parts, template)
      const known = await this.#parts.repository.getManualCallTemplate(name)
      if (known !== undefined && !replace) throw manualExists(name, given.name)
      const filled = await fillManualTemplate(this.#parts, template)
      let discovered: Discovered
      try {
        discovered = await discover(this.#parts, template, filled, { signal })
      } catch (error) {
        return failed(template, error)
      }
      const manual = discovered.manual ?? emptyManual()
      try {
        await this.#keep(template, manual, discovered)
      } catch (error) {
        await protocolFor(this.#parts, template)
          .deregisterManual(this.#parts.caller, filled)
          .catch(() => {})
        throw error
      }
      this.#logWarnings(name, discovered.warnings)
      const changed = this.#refused(name)
      const refused = new Set(changed)
      const added = namesOf(manual.tools).filter((tool) => !refused.has(tool))
      this.#tell(name, { ...noDifferences, added, changed })
      const { errors, warnings } = discovered
      return { manualCallTemplate: template, manual, success: true, errors, warnings }
    })
  }

  /** Registers manuals at the same time. What one throws becomes its result, but for variables that are missing. */
  async registerAll(templates: readonly CallTemplate[], replace = false): Promise<RegisterManualResult[]> {
    const missing: UtcpVariableNotFound[] = []
    const results = await Promise.all(
      templates.map(async (template) => {
        try {
          return await this.register(template, undefined, replace)
        } catch (error) {
          if (error instanceof UtcpVariableNotFound) missing.push(error)
          return failed(template, error)
        }
      }),
    )
    const [first, ...others] = missing
    if (first === undefined) return results
    if (others.length === 0) throw first
    const names = new Set(missing.flatMap(({ variableNames }) => variableNames))
    throw new UtcpVariableNotFound([first.variableName, ...[...names].filter((name) => name !== first.variableName)])
  }

  deregister(manualName: string): Promise<boolean> {
    return this.#locks.run(manualName, async () => {
      this.#checkOpen()
      const { repository, caller, protocols, pins } = this.#parts
      const template = await repository.getManualCallTemplate(manualName)
      if (template === undefined) return false
      const protocol = protocols.get(template.call_template_type)
      const removed = [...namesOf((await repository.getToolsByManual(manualName)) ?? []), ...this.#refused(manualName)]
      let failure: { part: string; error: unknown } | undefined
      try {
        await protocol?.deregisterManual(caller, await this.#filledIfPossible(template))
      } catch (error) {
        failure = { part: `manual ${manualName}`, error }
      }
      await repository.removeManual(manualName)
      pins?.forgetChanged(manualName)
      this.#freshness.delete(manualName)
      this.#tell(manualName, { ...noDifferences, removed })
      if (failure !== undefined) throw new UtcpProtocolCloseError([failure])
      return true
    })
  }

  /** Looks at a manual again. @throws UtcpError `manual_not_found`, UtcpVariableNotFound */
  refresh(manualName: string, signal?: AbortSignal): Promise<RefreshManualResult> {
    return this.#locks.run(manualName, async () => {
      this.#checkOpen()
      const { repository } = this.#parts
      const [template, before] = await Promise.all([
        repository.getManualCallTemplate(manualName),
        repository.getManual(manualName),
      ])
      if (template === undefined || before === undefined) {
        throw new UtcpError('manual_not_found', `There is no manual "${manualName}"`)
      }
      const filled = await fillManualTemplate(this.#parts, template)
      const validators = this.#freshness.get(manualName)?.validators
      let discovered: Discovered
      try {
        discovered = await discover(this.#parts, template, filled, { validators, signal })
      } catch (error) {
        return { manual: manualName, success: false, errors: [messageOf(error)], warnings: [], ...noDifferences }
      }
      const { errors, warnings, manual } = discovered
      if (manual === undefined) {
        this.#remember(manualName, discovered)
        return { manual: manualName, success: true, errors, warnings, ...noDifferences }
      }
      const pending = this.#refused(manualName)
      const differences = diffTools(before.tools, manual.tools, new Set(pending))
      if (isDifferent(differences) || pending.length > 0) {
        await this.#keep(template, manual, discovered)
        this.#logWarnings(manualName, warnings)
      } else this.#remember(manualName, discovered)
      this.#tell(manualName, differences)
      return { manual: manualName, success: true, errors, warnings, ...differences }
    })
  }

  /** Begins a refresh of a manual whose time is over, unless there is one. Nobody waits for it. */
  refreshIfStale(manualName: string): void {
    const { settings, closing } = this.#parts
    if (settings.manualTtlMs === undefined || closing.reason !== undefined || this.#refreshing.has(manualName)) return
    const known = this.#freshness.get(manualName)
    if (known === undefined || Date.now() < known.freshUntil) return
    this.#refreshing.add(manualName)
    const report = (reason: string): void => {
      if (closing.reason === undefined) settings.logger.warn('utcp.refresh_failed', { manual: manualName, reason })
    }
    this.refresh(manualName)
      .then(
        ({ success, errors }) => success || report(errors.join('; ')),
        (error: unknown) => report(messageOf(error)),
      )
      .finally(() => {
        // One that failed is not tried again at once.
        if (Date.now() >= known.freshUntil) this.#postpone(manualName)
        this.#refreshing.delete(manualName)
      })
  }

  /** As {@link refreshIfStale}, for all manuals. */
  refreshAllStale(): void {
    if (this.#parts.settings.manualTtlMs === undefined) return
    for (const name of this.#freshness.keys()) this.refreshIfStale(name)
  }

  /** Accepts a changed tool as it is now. Returns whether there was one. */
  async acceptTool(toolName: string, manualName: string): Promise<boolean> {
    return this.#locks.run(manualName, async () => {
      this.#checkOpen()
      const { repository, pins } = this.#parts
      const [template, manual] = await Promise.all([
        repository.getManualCallTemplate(manualName),
        repository.getManual(manualName),
      ])
      const tool = pins?.accept(toolName)
      if (tool === undefined || template === undefined || manual === undefined) return false
      const others = manual.tools.filter(({ name }) => name !== toolName)
      await repository.saveManual(template, Object.freeze({ ...manual, tools: Object.freeze([...others, tool]) }))
      this.#tell(manualName, { ...noDifferences, changed: [toolName] })
      return true
    })
  }

  /** Resolves when nothing is being registered, refreshed or removed. */
  idle(): Promise<void> {
    return this.#locks.idle()
  }

  async #keep(template: CallTemplate, manual: UtcpManual, discovered: Discovered): Promise<void> {
    const { pins, repository, settings } = this.#parts
    const name = template.name ?? ''
    const tools = pins === undefined ? manual.tools : await pins.admit(name, manual.tools)
    if (tools.length < manual.tools.length) {
      settings.logger.warn('utcp.tools_changed', { manual: name, count: manual.tools.length - tools.length })
    }
    await repository.saveManual(template, Object.freeze({ ...manual, tools: Object.freeze(tools) }))
    this.#remember(name, discovered)
  }

  /** The tools of a manual that changed since they were pinned. */
  #refused(manualName: string): readonly string[] {
    return (this.#parts.pins?.changedNames() ?? []).filter((name) => name.startsWith(`${manualName}.`))
  }

  #tell(manual: string, differences: ToolDifferences): void {
    if (isDifferent(differences)) this.#parts.events.emit('manualChanged', { manual, ...differences })
  }

  #remember(manualName: string, { validators, freshForMs }: Pick<Discovered, 'validators' | 'freshForMs'>): void {
    const ttlMs = freshForMs ?? this.#parts.settings.manualTtlMs ?? Number.POSITIVE_INFINITY
    this.#freshness.set(manualName, { validators, freshUntil: Date.now() + ttlMs })
  }

  #postpone(manualName: string): void {
    const known = this.#freshness.get(manualName)
    if (known === undefined || Date.now() < known.freshUntil) return
    this.#freshness.set(manualName, { ...known, freshUntil: Date.now() + (this.#parts.settings.manualTtlMs ?? 0) })
  }

  async #filledIfPossible(template: CallTemplate): Promise<CallTemplate> {
    try {
      return await fillManualTemplate(this.#parts, template)
    } catch {
      // A variable that is gone is no reason to keep what the manual holds.
      return template
    }
  }

  #checkOpen(): void {
    if (this.#parts.closing.reason !== undefined) throw this.#parts.closing.reason
  }

  #logWarnings(manual: string, warnings: RegisterManualResult['warnings']): void {
    if (warnings.length === 0) return
    const first = warnings.slice(0, 5).map(({ path, message }) => `${path}: ${message}`)
    this.#parts.settings.logger.warn('utcp.manual_warnings', { manual, count: warnings.length, first })
  }
}

const noDifferences: ToolDifferences = { added: [], removed: [], changed: [] }

function namesOf(tools: readonly Tool[]): string[] {
  return tools.map(({ name }) => name)
}

function isDifferent({ added, removed, changed }: ToolDifferences): boolean {
  return added.length + removed.length + changed.length > 0
}

function emptyManual(): UtcpManual {
  return Object.freeze({ utcp_version: utcpVersion, manual_version: '0.0.0', tools: Object.freeze([]) })
}

/** The result for what was thrown. */
export function failed(template: CallTemplate, error: unknown): RegisterManualResult {
  const result = { manual: emptyManual(), success: false, errors: [messageOf(error)], warnings: [] }
  return { manualCallTemplate: template, ...result }
}
