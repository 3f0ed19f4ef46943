import type { WireError } from '../errors/to-wire-error.ts'

/** The messages of protocol 2 as code sees them. `docs/protocol.md` shows each as it travels. */

/** First frame of a client. The key travels here only where headers cannot be set. */
export interface HelloFrame {
  type: 'hello'
  protocol: 2
  capabilities: string[]
  /** Names this process; a new one per client object. */
  instanceId: string
  appName?: string | undefined
  maxConcurrency?: number | undefined
  apiKey?: string | undefined
}

/** The server's answer to hello. */
export interface WelcomeFrame {
  type: 'welcome'
  protocol: 2
  capabilities: string[]
  toolkitId?: string | undefined
  /** What the server has stored of this toolkit; a client with the same hash need not send its tools. */
  toolkitHash?: string | undefined
  limits: { maxFrameBytes: number; maxResultBytes: number; maxInFlight: number }
  heartbeatMs: number
}

/**
 * All tools of one process. `tools` left out means "those of `toolkitHash`"; the server answers `registered` with
 * `resend: true` when it does not have them. Tools that no process serves any more are removed.
 */
export interface RegisterFrame {
  type: 'register'
  requestId: string
  toolkitHash: string
  caption?: string | undefined
  instructions?: string | undefined
  /** Where the server is to post the toolkit's calls to, or null for nowhere; left as it is when undefined. */
  endpointUrl?: string | null | undefined
  /** Unchecked: each tool is read by `fromWireTool`, so that one bad tool does not refuse the others. */
  tools?: unknown[] | undefined
}

/** The answer to register and unregister. */
export interface RegisteredFrame {
  type: 'registered'
  requestId: string
  toolkitId: string
  tools: string[]
  rejected: { name: string; code: string; message: string }[]
  resend: boolean
}

/** Tools that this process no longer serves. */
export interface UnregisterFrame {
  type: 'unregister'
  requestId: string
  /** The hash of the tools that stay. */
  toolkitHash: string
  tools: string[]
}

/** A call on its way to a toolkit. */
export interface ToolkitCallFrame {
  type: 'call'
  requestId: string
  tool: string
  params: Record<string, unknown>
  /** How long the call may still take, in milliseconds. */
  deadlineMs: number
  authToken?: string | undefined
  /** Whether the caller wants progress and chunks. */
  stream?: boolean | undefined
  /** The lease of a call that was stored for the toolkit: it runs after `acked` only. */
  leaseId?: string | undefined
  /** How long that lease holds, in milliseconds. */
  leaseMs?: number | undefined
  app?: AppEvent | undefined
  meta?: Record<string, unknown> | undefined
}

/** What happens in a session of an app: its start, what its user does, its end. */
export interface AppEvent {
  sessionId: string
  event: 'start' | 'action' | 'close'
  /** What the user did. */
  data?: unknown
}

/** A call from an LLM client. */
export interface LlmCallFrame {
  type: 'call'
  requestId: string
  toolkitId: string
  tool: string
  params: Record<string, unknown>
  authToken?: string | undefined
  timeoutMs?: number | undefined
  provider?: string | undefined
  /** Whether progress and chunks are wanted. */
  stream?: boolean | undefined
  /** Two calls of one key and user with the same one are one call (rule X4). */
  idempotencyKey?: string | undefined
  /** The end user the call is for. */
  externalUserId?: string | undefined
  /** The caller does not wait: it is answered `accepted` once the call is stored. */
  detach?: boolean | undefined
  app?: AppEvent | undefined
  meta?: Record<string, unknown> | undefined
}

/** A call that was sent with `detach` is stored; nothing else follows for its `request_id`. */
export interface AcceptedFrame {
  type: 'accepted'
  requestId: string
  callId: string
}

/** A toolkit has a call and will answer it; with a lease, it asks for leave to run it, or for more time. */
export interface AckFrame {
  type: 'ack'
  requestId: string
  leaseId?: string | undefined
}

/** A leased call may run, or its lease was renewed. */
export interface AckedFrame {
  type: 'acked'
  requestId: string
  leaseId: string
}

/** Results that arrived: the toolkit need not keep them any more. */
export interface ReceivedFrame {
  type: 'received'
  requestIds: string[]
}

/** The calls of a lost connection that a toolkit still runs or has the result of. Any other one is lost. */
export interface RunningFrame {
  type: 'running'
  requestIds: string[]
  /**
   * Whether it has not forgotten any: a call that is not named then and has no outcome never got there, and may be sent
   * again. @default false
   */
  complete?: boolean | undefined
}

/** How far a call is. */
export interface ProgressFrame {
  type: 'progress'
  requestId: string
  leaseId?: string | undefined
  progress: unknown
}

/** A partial result; `sequence` counts from 0 within a call. */
export interface ChunkFrame {
  type: 'chunk'
  requestId: string
  leaseId?: string | undefined
  sequence: number
  data: unknown
}

/** The one outcome of a call. */
export type ResultFrame = ResultBase & ({ ok: true; result: unknown } | { ok: false; error: WireError })

interface ResultBase {
  type: 'result'
  requestId: string
  /** The server's id of the call, for its caller. */
  callId?: string | undefined
  /** The lease under which a toolkit ran it. */
  leaseId?: string | undefined
}

/** The caller does not want the result any more. Unknown and finished ids are ignored. */
export interface CancelFrame {
  type: 'cancel'
  requestId: string
  reason?: string | undefined
}

/** The sender is about to close this socket: send it nothing new, its answers and yours are taken for `deadlineMs`. */
export interface DrainFrame {
  type: 'drain'
  deadlineMs: number
}

/** Asks for a toolkit's tools in a provider's format. */
export interface ContextRequestFrame {
  type: 'context'
  requestId: string
  toolkitId: string
  provider?: string | undefined
  userPrompt?: string | undefined
}

/** A toolkit's tools in a provider's format; `context` is JSON as `http-bodies.ts` describes it. */
export interface ContextFrame {
  type: 'context'
  requestId: string
  context: Record<string, unknown>
}

/** Something went wrong that is no call's outcome. */
export interface ErrorFrame {
  type: 'error'
  requestId?: string | undefined
  error: WireError
}

/** What a toolkit client sends. */
export type FromToolkitFrame =
  | HelloFrame
  | RegisterFrame
  | UnregisterFrame
  | AckFrame
  | ProgressFrame
  | ChunkFrame
  | ResultFrame
  | RunningFrame
  | DrainFrame
  | ErrorFrame
/** What a server sends to a toolkit client. */
export type ToToolkitFrame =
  | WelcomeFrame
  | RegisteredFrame
  | ToolkitCallFrame
  | AckedFrame
  | ReceivedFrame
  | CancelFrame
  | DrainFrame
  | ErrorFrame
/** What an LLM client sends. */
export type FromLlmFrame = HelloFrame | ContextRequestFrame | LlmCallFrame | CancelFrame | ErrorFrame
/** What a server sends to an LLM client. */
export type ToLlmFrame =
  | WelcomeFrame
  | ContextFrame
  | AcceptedFrame
  | AckFrame
  | ProgressFrame
  | ChunkFrame
  | ResultFrame
  | DrainFrame
  | ErrorFrame
/** Any frame of protocol 2. */
export type Frame = FromToolkitFrame | ToToolkitFrame | FromLlmFrame | ToLlmFrame
