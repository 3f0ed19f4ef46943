import type { Logger } from '@atp/core'
import type { CallTemplate, Tool } from '../model/models.ts'

/** Any arguments of a tool. */
export type ToolArguments = Readonly<Record<string, unknown>>

/** The client, as far as a protocol needs it. */
export interface UtcpCaller {
  /** What relative paths of files are relative to; undefined where there are no files. */
  readonly rootDir: string | undefined
  /** Obligation: never pass arguments, results, credentials or URLs with a query. */
  readonly logger: Logger
}

/** What an earlier discovery said about how long it holds (RFC 9111). */
export interface ManualValidators {
  readonly etag?: string
  readonly lastModified?: string
}

/** What a protocol gets beside a manual's template. */
export interface DiscoveryContext {
  /** Aborts when the time is over, the caller gives up, or the client closes. */
  readonly signal: AbortSignal
  /** What is left until `signal` aborts, in milliseconds. */
  readonly timeoutMs: number
  /** The most that may be read, in bytes; more fails with `response_too_large`. */
  readonly maxResponseBytes: number
  /**
   * The template as it was configured, variables not filled in. What is copied into tools comes from here: they are
   * stored, and get their variables anew with every call.
   */
  readonly declaredTemplate: CallTemplate
  /** From the discovery before, when this is a refresh. */
  readonly validators: ManualValidators | undefined
}

/** What a discovery found. */
export interface ManualDiscovery {
  /** A manual as parsed JSON, unchecked: the client reads it, converts 0.x and leaves bad tools out. */
  readonly manual?: unknown
  /** Nothing changed since the `validators` were given; then there is no `manual`. */
  readonly notModified?: boolean
  readonly validators?: ManualValidators
  /** For how many milliseconds it need not be asked for again. */
  readonly freshForMs?: number
  /** What else went wrong, for the result; the manual is registered all the same. */
  readonly errors?: readonly string[]
}

/** What a protocol gets beside a call's arguments. */
export interface CallContext {
  /** Aborts when the time is over, the caller gives up, or the client closes. */
  readonly signal: AbortSignal
  /** What is left until `signal` aborts, in milliseconds; undefined for streams, which may go on. */
  readonly timeoutMs: number | undefined
  /** The most that may be read, in bytes (of a stream: of one item); more fails with `response_too_large`. */
  readonly maxResponseBytes: number
  /** The tool as registered. */
  readonly tool: Tool
  /** The template of the tool's manual, variables not filled in. */
  readonly manualCallTemplate: CallTemplate
}

/**
 * How tools are reached over one protocol, or a family of them. One object serves one client, many calls at a time.
 *
 * Templates arrive checked by the models and with variables filled in. What goes wrong is thrown, as a `UtcpError` with
 * `status` and `body` where the peer answered, and `retryable` where another try may help: the client tries again, counts
 * what runs, checks arguments and results, and turns failed discoveries into results with `success: false`. Anything
 * else that is thrown becomes `call_failed`. Messages must not hold credentials nor the query of a URL.
 */
export interface CommunicationProtocol {
  /** The `call_template_type`s it serves. */
  readonly callTemplateTypes: readonly string[]

  /**
   * Finds a manual's tools. Obligation: a discovery that fails leaves nothing open. It may be called again for the same
   * manual (a refresh), and for one that is never registered.
   */
  registerManual(
    caller: UtcpCaller,
    manualCallTemplate: CallTemplate,
    context: DiscoveryContext,
  ): Promise<ManualDiscovery>

  /** Lets go of what the manual of that name holds. Nothing to let go of is fine. */
  deregisterManual(caller: UtcpCaller, manualCallTemplate: CallTemplate): Promise<void>

  /**
   * Calls a tool and returns its result. Obligation: stops when the signal aborts; a protocol that goes on is abandoned,
   * and keeps one of the client's slots until it ends.
   * @param toolName the full name, `manual.tool`
   */
  callTool(
    caller: UtcpCaller,
    toolName: string,
    toolArgs: ToolArguments,
    toolCallTemplate: CallTemplate,
    context: CallContext,
  ): Promise<unknown>

  /**
   * Calls a tool and yields its result in pieces; a protocol without pieces yields the result once. Obligation: nothing
   * is sent before the first piece is asked for, and a consumer that stops ends the call.
   */
  callToolStreaming(
    caller: UtcpCaller,
    toolName: string,
    toolArgs: ToolArguments,
    toolCallTemplate: CallTemplate,
    context: CallContext,
  ): AsyncIterable<unknown>

  /**
   * Whether calling twice is as good as once, so that a failed call may be tried again.
   * @default false
   */
  isIdempotent?(toolCallTemplate: CallTemplate): boolean

  /** Ends everything. Closing twice is fine. */
  close(): Promise<void>
}

/**
 * Makes a protocol for one client, which then closes it. A protocol object given to a client directly is shared: whoever
 * made it closes it.
 */
export type ProtocolFactory = () => CommunicationProtocol
