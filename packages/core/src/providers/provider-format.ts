import type { WireError } from '../errors/to-wire-error.ts'
import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import type { ChangeCode } from './lowering/lowering-context.ts'
import type { RefusalCode } from './lowering/lowering-refusal.ts'

/** A provider's name on the wire. */
export type ProviderName = 'openai' | 'openai-chat' | 'openai-strict' | 'openai-chat-strict' | 'anthropic' | 'mistralai'

/**
 * The form a call came in, which decides the form of its result where a provider has more than one. `mistral-sdk` is
 * a message of Mistral's own package (`toolCalls`), `plain` is no provider's own form (`{function, parameters}`).
 */
export type ToolCallForm = 'responses' | 'chat' | 'anthropic' | 'mistral' | 'mistral-sdk' | 'plain'

/** A tool call as an LLM made it, read from any provider's form. */
export interface ParsedToolCall {
  /** The provider's id of the call as it is, or one of ours (`call_<uuid>`) where the form has none. */
  id: string
  /** The name the model used; `unknown` when it cannot be read. */
  name: string
  /** Undefined when the arguments could not be read; `error` then says why. */
  args: Record<string, unknown> | undefined
  /** Becomes the call's result for the model instead of running the tool. */
  error: string | undefined
  form: ToolCallForm
}

/** What became of one call, in the order of the calls. */
export interface ToolCallResult {
  call: ParsedToolCall
  outcome: { ok: true; result: unknown } | { ok: false; error: WireError }
}

/** What a model is not told of a toolkit, and why. */
export interface ToolWarning {
  /** The tool's real name. */
  tool: string
  provider: ProviderName
  /** Stable: why the tool was left out, or what kind of change lost something of it. */
  code: RefusalCode | ChangeCode
  message: string
}

/** A toolkit's tools in a provider's form. */
export interface FormattedTools<Tool extends Record<string, unknown> = Record<string, unknown>> {
  tools: Tool[]
  /** Tools that were left out, or changed so that something is lost. One bad tool never fails the others. */
  warnings: ToolWarning[]
  /** The real name behind each name the model sees, where the two differ. */
  originalNames: ReadonlyMap<string, string>
  /**
   * A call's arguments in the form of the tool's own schema: null for what was not given folded away, defaults put
   * back, renamed members named as they are. What has no form the model was told of stays as it is.
   * @param name the tool's real name, or the one the model sees.
   * @throws AtpError `invalid_params` for arguments that no tool could be given
   */
  readArguments(name: string, args: Record<string, unknown>): Record<string, unknown>
}

/** How results are written. */
export interface ResultOptions {
  /**
   * The longest text of one result, in characters; a longer one is cut and says so.
   * @default 400_000, for Mistral 256_000
   */
  maxResultLength?: number | undefined
}

/** One LLM provider's form of tools, tool calls and results. */
export interface ProviderFormat<
  Tool extends Record<string, unknown> = Record<string, unknown>,
  Message extends Record<string, unknown> = Record<string, unknown>,
> {
  /** The provider's name on the wire. */
  readonly name: ProviderName
  /** Whether the provider is asked to enforce schemas. */
  readonly strict: boolean
  /** Describes tools to the model, in the given order. */
  toTools(tools: readonly ToolDescriptor[]): FormattedTools<Tool>
  /**
   * Reads the tool calls of whatever the provider's package or raw API yields; text beside them is passed over.
   * A list never fails as a whole: a call that cannot be read becomes one with `error`, and so do unreadable
   * arguments, which are never replaced by `{}`.
   * @throws AtpError `invalid_request` when the value is text without JSON, neither text nor object, or one object
   * that has no form of this provider.
   */
  parseToolCalls(value: unknown): ParsedToolCall[]
  /** Messages to append to the conversation: every call gets its result, in order, with its own id. */
  toResultMessages(results: readonly ToolCallResult[], options?: ResultOptions): Message[]
}

/** A tool's root schema as every provider takes it. */
export type ProviderSchema = {
  type: 'object'
  properties: Record<string, unknown>
  required?: string[]
  [keyword: string]: unknown
}
