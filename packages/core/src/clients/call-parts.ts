/// <reference lib="esnext.disposable" preserve="true" />
import type { ToolCallResult } from '../providers/provider-format.ts'

/** Which call a part belongs to. */
export interface PartOrigin {
  /** The server's id of the call; undefined until the server has told it. */
  callId?: string | undefined
  /** The name that the call was made by. */
  tool: string
}

/** What a tool tells while it runs. */
export type PartialPart =
  /** How far it is. Progress is left out where the reader does not keep up. */
  | { type: 'progress'; progress: unknown }
  /** A piece of its result; `sequence` counts from 0 within the call, without a gap. */
  | { type: 'chunk'; sequence: number; data: unknown }

/** What arrives of one call: any number of partial parts, and its result as the last one. */
export type CallPart = PartOrigin & (PartialPart | { type: 'result'; result: unknown })

/** What `callTool` would return for the call of this part. */
export interface ResultMessage {
  /** The provider's message with the result of this call. */
  message: Record<string, unknown>
  /** Only in the last part of all: the messages of all calls, in order, to be appended to the conversation. */
  messages?: Record<string, unknown>[]
}

/** What `callTool` returns for a call in the founding form. */
export interface FoundingResult {
  result: unknown
}

/** What arrives of an LLM's calls, as it arrives. Each call ends in exactly one part of type `result`. */
export type ToolCallPart<Given = ResultMessage> = PartOrigin & {
  /** The provider's id of the call. */
  toolCallId: string
} & (PartialPart | ({ type: 'result'; outcome: ToolCallResult['outcome'] } & Given))

/** Parts as they arrive; to be iterated once. Nothing runs before, and ending the iteration early cancels what runs. */
export type PartIterator<Part> = AsyncIterableIterator<Part, undefined, undefined> & AsyncDisposable
