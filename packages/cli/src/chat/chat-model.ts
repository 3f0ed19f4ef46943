import type { ParsedToolCall, ProviderFormat } from '@atp/core'

/** One message of a conversation, in the form of the provider that it is held with. */
export type ChatMessage = Record<string, unknown>

/** What a model is asked. */
export interface ModelRequest {
  system: string | undefined
  /** In the provider's form; with none of them the model can only talk. */
  tools: readonly Record<string, unknown>[]
  messages: readonly ChatMessage[]
  signal: AbortSignal
  /** Gets the text as it streams. */
  onText(text: string): void
}

/** What a model answered. */
export interface ModelTurn {
  /** To append to the conversation; empty when the model said nothing. */
  messages: ChatMessage[]
  calls: ParsedToolCall[]
  /** `length`: cut off at the limit of tokens; `filtered`: the provider withheld the rest. */
  stop: 'done' | 'length' | 'filtered'
  usage: TokenUsage | undefined
}

/** What a turn cost, as the provider counts. */
export interface TokenUsage {
  inputTokens: number
  outputTokens: number
}

/**
 * A model behind its provider's official package. Messages of the form `{role, content}` with the roles `user` and
 * `assistant` and a text as content are understood by every one.
 */
export interface ChatModel {
  readonly format: ProviderFormat
  /**
   * Streams one turn. Settles soon after `signal` aborts, and whatever it then yields is of no use.
   * @throws whatever the package throws, see `toProviderFailure`; AtpError `upstream_failed`
   */
  ask(request: ModelRequest): Promise<ModelTurn>
}

/** What a model is opened with; nothing is read from the process's own environment. */
export interface ModelSettings {
  model: string
  apiKey: string
  baseUrl: string
  /** The most tokens of one answer; undefined leaves it to the provider. */
  maxTokens: number | undefined
  /** Whether the provider's package would print requests, keys included, if it were let. */
  debug: boolean
}
