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
  /** Idempotent. Requests under way are rejected with `client_stopped`. */
  close(): Promise<void>
}
