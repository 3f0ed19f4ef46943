import type { ToolDescriptor } from '@atp/core'
import type { StoredToolkit } from './store.ts'

/** A tool as an older client registers it: one at a time, with hashes that mean nothing to us. */
export interface LegacyRegistration {
  tool: ToolDescriptor
  /** What stands for the tool's code; empty when its client does not say. */
  codeHash: string
  /** What stands for all tools of the client so far; null when it is not known, or must not be believed. */
  toolkitHash: string | null
  /** Hex SHA-256 of a token that answers one call of this tool. */
  exchangeHash: string
  now: number
}

/** Whose tool a token answers. */
export interface ExchangeTarget {
  projectId: string
  toolkitId: string
}

/** How many tools older clients may give one toolkit. */
export const maxLegacyTools = 1_000

/** How many tokens of one tool wait to be used; older ones are forgotten. */
export const maxExchanges = 32

/** What older clients register. */
export interface LegacyStore {
  /**
   * Adds a tool, or replaces the one of its name, which keeps its place. When that changes a tool, all toolkit hashes
   * known so far are forgotten, because none stands for what is stored any more; then `toolkitHash` becomes known.
   * All or nothing, in one transaction. Returns the toolkit as it is now, or undefined when it is not there.
   * @throws AtpError `invalid_request` for more than {@link maxLegacyTools} tools
   */
  register(projectId: string, toolkitId: string, registration: LegacyRegistration): Promise<StoredToolkit | undefined>
  /** Whether a toolkit hash is known: all that it stands for is stored. A newer client's registration forgets them. */
  knowsToolkit(projectId: string, toolkitId: string, hash: string): Promise<boolean>
  /** Forgets all toolkit hashes: none stands for all that its client has. */
  forgetHashes(projectId: string, toolkitId: string): Promise<void>
  /** The code hash of each tool that an older client registered last, by name. */
  codeHashes(projectId: string, toolkitId: string): Promise<ReadonlyMap<string, string>>
  /** The toolkit whose tool a token answers, which uses it up; of two callers at once one gets it. */
  takeExchange(hash: string, tool: string): Promise<ExchangeTarget | undefined>
}
