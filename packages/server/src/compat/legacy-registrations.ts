import { randomBytes } from 'node:crypto'
import { AtpError, isAtpError, type Logger } from '@atp/core'
import { isJsonObject } from '@atp/core/protocol'
import type { MessageBus } from '../bus/message-bus.ts'
import { toolkitOfKey } from '../gateway/toolkit-of-key.ts'
import { hashKey } from '../keys/key-format.ts'
import type { ExchangeTarget } from '../store/legacy-store.ts'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'
import type { LegacyProcesses } from './legacy-processes.ts'
import { type ReadRegistration, readRegistration } from './read-registration.ts'
import { RefusedTools } from './refused-tools.ts'
import { RegistrationTurns } from './registration-turns.ts'

/** What {@link LegacyRegistrations} needs. */
export interface LegacyRegistrationOptions {
  store: Store
  bus: MessageBus
  processes: LegacyProcesses
  logger: Logger
}

/** Registers the tools of Python toolkits, one at a time, and tells them which the server has already. */
export class LegacyRegistrations {
  readonly #options: LegacyRegistrationOptions
  readonly #refused = new RefusedTools()
  readonly #turns = new RegistrationTurns()

  constructor(options: LegacyRegistrationOptions) {
    this.#options = options
  }

  /**
   * Stores a tool; the key is bound to the toolkit if it stood for none.
   * @returns a token that answers one call of the tool
   * @throws AtpError `invalid_request`, `invalid_name`, `invalid_schema`, `toolkit_name_conflict` or `rate_limited`
   */
  async register(key: StoredKey, body: unknown): Promise<string> {
    let isItsTurn = false
    try {
      return await this.#turns.take(key.id, async () => {
        isItsTurn = true
        return this.#register(key, body)
      })
    } catch (error) {
      // Whoever does not wait for answers must not cost a write each.
      if (!isItsTurn) this.#remember(key, body)
      throw error
    }
  }

  async #register(key: StoredKey, body: unknown): Promise<string> {
    try {
      const registration = readRegistration(body)
      const toolkit = await this.#toolkitOf(key, registration.appName)
      return await this.#store(key, toolkit, registration)
    } catch (error) {
      const conflict = isAtpError(error) && error.code === 'toolkit_name_conflict'
      if (!conflict && this.#remember(key, body)) await this.#forgetLastHash(key)
      throw error
    }
  }

  /**
   * Remembers a tool that is not stored: its client goes on without it, and hashes that it sends from now on stand for
   * more than what is stored. Returns whether the body names one.
   */
  #remember(key: StoredKey, body: unknown): boolean {
    const name = isJsonObject(body) ? body.function_id : undefined
    if (typeof name !== 'string') return false
    this.#refused.add(key.id, name)
    return true
  }

  /** `start()` registers all tools that differ under one hash, which those before a refused one made known. */
  async #forgetLastHash(key: StoredKey): Promise<void> {
    try {
      await this.#forgetHashes(key)
    } catch (error) {
      this.#options.logger.warn('toolkit.hashes_not_forgotten', { keyId: key.id, error: String(error) })
    }
  }

  async #forgetHashes({ projectId, toolkitId }: StoredKey): Promise<void> {
    if (toolkitId !== null) await this.#options.store.legacy.forgetHashes(projectId, toolkitId)
  }

  async #store(key: StoredKey, toolkit: StoredToolkit, registration: ReadRegistration): Promise<string> {
    const { store, bus, processes, logger } = this.#options
    const { tool, codeHash, toolkitHash } = registration
    // A hash of one tool alone is that tool's: a process begins anew, and what another one could not register is past.
    if (toolkitHash !== null && toolkitHash === codeHash) this.#refused.forget(key.id)
    else this.#refused.remove(key.id, tool.name)
    const token = randomBytes(32).toString('base64url')
    const stored = await store.legacy.register(toolkit.projectId, toolkit.id, {
      tool,
      codeHash,
      toolkitHash: this.#refused.has(key.id) ? null : toolkitHash,
      exchangeHash: hashKey(token),
      now: Date.now(),
    })
    if (!stored) throw new AtpError('toolkit_not_found', `Toolkit "${toolkit.appName}" is gone`)
    processes.registered(toolkit.id, tool.name)
    await bus.publish('toolkit.changed', { toolkitId: toolkit.id })
    logger.info('toolkit.tool_registered', { toolkitId: toolkit.id, tool: tool.name })
    return token
  }

  /** Whether all tools behind a hash are stored. @throws AtpError `toolkit_name_conflict` */
  async knowsToolkit(key: StoredKey, appName: string | undefined, hash: string): Promise<boolean> {
    if (appName === undefined && key.toolkitId === null) return false
    const { projectId, id } = await this.#toolkitOf(key, appName)
    return this.#options.store.legacy.knowsToolkit(projectId, id, hash)
  }

  /**
   * Whether a tool is stored as it was under that hash. If not, its client is about to register it, maybe under a hash
   * that another tool of the same start was registered under a moment ago: until it has, no hash stands for what is
   * stored.
   */
  async knowsTool(key: StoredKey, name: string, hash: string): Promise<boolean> {
    if (key.toolkitId === null || hash === '') return false
    const hashes = await this.#options.store.legacy.codeHashes(key.projectId, key.toolkitId)
    const isKnown = hashes.get(name) === hash
    if (!isKnown) await this.#forgetHashes(key)
    return isKnown
  }

  /** The toolkit whose tool a token answers, once; undefined for one that is unknown, used or another tool's. */
  takeExchange(token: string, tool: string): Promise<ExchangeTarget | undefined> {
    return this.#options.store.legacy.takeExchange(hashKey(token), tool)
  }

  async #toolkitOf(key: StoredKey, appName: string | undefined): Promise<StoredToolkit> {
    const toolkit = await toolkitOfKey(this.#options.store, key, appName)
    if (key.toolkitId === null) await this.#options.processes.bound(key, toolkit)
    return toolkit
  }
}
