import type { AppEvent } from '../protocol/frames.ts'
import type { ToolkitContext } from '../protocol/http-bodies.ts'

/** One call on its way out. */
export interface DoorCall {
  toolkitId: string
  tool: string
  params: Record<string, unknown>
  /** Lets the server map a name that it shortened for this provider back. */
  provider: string | undefined
  userPrompt: string | undefined
  authToken?: string | undefined
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  idempotencyKey?: string | undefined
  externalUserId?: string | undefined
  /** What happens in a session of an app. */
  app?: AppEvent | undefined
  /** Travels along as `_meta`. */
  meta?: Record<string, unknown> | undefined
  /** Makes the server send what the tool tells while it runs. */
  watcher?: CallWatcher | undefined
}

/** Is told of a call while it runs; nothing after its end. No method may throw. */
export interface CallWatcher {
  /** The server's id of the call; once, possibly as late as its result. */
  accepted(callId: string): void
  progress(value: unknown): void
  /** In the order the server sent them; after a retry possibly from 0 again. */
  chunk(sequence: number, data: unknown): void
}

/** A question for a toolkit's tools on its way out. */
export interface DoorContext {
  toolkitId: string
  provider: string
  userPrompt: string
  signal?: AbortSignal | undefined
}

/** How an LLM client reaches its server: over a socket or over HTTP. Failures are AtpErrors. */
export interface LlmDoor {
  context(request: DoorContext): Promise<ToolkitContext>
  /** The tool's result; rejects with what the call failed with. */
  call(request: DoorCall): Promise<unknown>
  /** The id of the call once the server has stored it; rejects with `unsupported` where it stores none. */
  detach(request: DoorCall): Promise<string>
  /** Whether the server is known to run the calls of one idempotency key once. */
  keepsKeys(signal: AbortSignal | undefined): Promise<boolean>
  /** Idempotent. Requests under way are rejected with `client_stopped`. */
  close(): Promise<void>
}
