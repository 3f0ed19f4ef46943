import { isAtpError, type Logger } from '@atp/core'
import type { MessageBus } from '../bus/message-bus.ts'
import type { ServingProcesses } from '../delivery/serving-processes.ts'
import type { ToolkitStore } from '../store/store.ts'

/** What {@link StaleTools} needs. */
export interface StaleToolsOptions {
  store: ToolkitStore
  bus: MessageBus
  processes: ServingProcesses
  logger: Logger
  /** How long a tool may be without a process while its toolkit has one, in milliseconds. */
  delayMs: number
}

/**
 * Forgets tools that left with an old version of their toolkit. In a rolling update the new process registers while the
 * old one still serves, so the tools that only the old one had can go only some time after it is gone. A toolkit with
 * no process at all keeps its tools: it is offline, not smaller.
 */
export class StaleTools {
  readonly #options: StaleToolsOptions
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  #stopped = false

  constructor(options: StaleToolsOptions) {
    this.#options = options
  }

  /** A process of the toolkit is gone. */
  processLost(projectId: string, toolkitId: string): void {
    if (this.#stopped) return
    clearTimeout(this.#timers.get(toolkitId))
    const timer = setTimeout(() => {
      this.#timers.delete(toolkitId)
      void this.#forget(projectId, toolkitId)
    }, this.#options.delayMs)
    this.#timers.set(toolkitId, timer)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  async #forget(projectId: string, toolkitId: string): Promise<void> {
    const { store, bus, processes, logger } = this.#options
    try {
      const toolkit = await store.find(projectId, toolkitId)
      const tools = await store.tools(projectId, toolkitId)
      // Looked at last, without a wait in between: a process that registers meanwhile must not lose its tools.
      const peers = [...processes.peersOf(toolkitId)]
      const unserved = tools.filter((tool) => !peers.some((peer) => peer.tools.has(tool.name)))
      if (!toolkit || unserved.length === 0 || !peers.some((peer) => peer.tools.size > 0)) return
      const { caption, instructions, hash } = toolkit
      const remove = unserved.map((tool) => tool.name)
      await store.register(projectId, toolkitId, { caption, instructions, hash, upsert: [], remove, now: Date.now() })
      await bus.publish('toolkit.changed', { toolkitId })
      logger.info('toolkit.tools_forgotten', { toolkitId, tools: remove.length })
    } catch (error) {
      logger.error('toolkit.tools_not_forgotten', { toolkitId, error: String(error) })
      if (isAtpError(error) && error.code === 'store_unavailable') this.processLost(projectId, toolkitId)
    }
  }
}
