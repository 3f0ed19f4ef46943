import type { CallTemplate } from '../model/models.ts'
import type { ToolPostProcessor } from '../processing/tool-post-processor.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import type { ToolSearchStrategy } from '../search/tool-search-strategy.ts'
import type { VariableLoader } from '../variables/variable-substitutor.ts'

/** A part of a configuration as data: the member that names its type, and the members of that type. */
export type PluginConfig = Readonly<Record<string, unknown>>

/**
 * The configuration of a client, as in a configuration file. Parts may be data or objects made already. Members that
 * are not known are kept. `null` is the same as absent.
 */
export interface UtcpClientConfig {
  /** Values by full name; themselves filled in once, from loaders and environment. @default {} */
  readonly variables?: Readonly<Record<string, string>> | null
  /** Asked in this order. @default [] */
  readonly load_variables_from?: readonly (PluginConfig | VariableLoader)[] | null
  /** @default { tool_repository_type: 'in_memory' } */
  readonly tool_repository?: PluginConfig | ConcurrentToolRepository | null
  /** @default { tool_search_strategy_type: 'tag_and_description_word_match' } */
  readonly tool_search_strategy?: PluginConfig | ToolSearchStrategy | null
  /** Run in this order on each result. @default [] */
  readonly post_processing?: readonly (PluginConfig | ToolPostProcessor)[] | null
  /** Registered when the client is made. @default [] */
  readonly manual_call_templates?: readonly CallTemplate[] | null
  readonly [member: string]: unknown
}
