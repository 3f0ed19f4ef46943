import { AtpError } from '@atp/core'
import type { AppEvent } from '@atp/core/protocol'
import type { StoredKey } from '../store/store.ts'
import type { CallOutcome, CallPart } from './call.ts'

/** A call as a gateway received it. */
export interface CallRequest {
  key: StoredKey
  /** A toolkit's id, app name or slug. */
  toolkitId: string
  tool: string
  params: Record<string, unknown>
  authToken: string | undefined
  timeoutMs: number | undefined
  /** Whose tool names the caller uses. */
  provider: string | undefined
  meta: Record<string, unknown> | undefined
  /** How large the request is that brought it, in characters or bytes. */
  requestChars: number
  /** Two calls of one key and user with the same one are one call (rule X4). */
  idempotencyKey?: string | undefined
  /** For how long that is so, in milliseconds. @default as long as outcomes are kept */
  claimMs?: number | undefined
  /** The end user it is for. */
  externalUserId?: string | undefined
  /** The caller waits for no more than that the call is stored. @default false */
  detach?: boolean | undefined
  app?: AppEvent | undefined
}

/** Who hears of a call. */
export interface CallListener {
  /** The call has an id and is about to be handed over. Called at most once, before anything else. */
  onStarted?: ((callId: string) => void) | undefined
  /** Called exactly once, possibly before the call was returned; never for a detached call that was accepted. */
  onOutcome(outcome: CallOutcome, callId: string): void
  /** Where it is there, progress and chunks are asked for. */
  onPart?: ((part: CallPart, callId: string) => void) | undefined
  /** A detached call is stored. Called at most once, instead of `onOutcome`. */
  onAccepted?: ((callId: string) => void) | undefined
}

/** The one wording for a toolkit that is missing, or that belongs to another project (rule K8). */
export function toolkitNotFound(toolkitId: string): AtpError {
  return new AtpError('toolkit_not_found', `There is no toolkit "${toolkitId}"`)
}

/** Once a detached call is accepted, its caller hears no more of it. */
export function untilAccepted(listener: CallListener): CallListener {
  let accepted = false
  return {
    onAccepted(callId) {
      accepted = true
      listener.onAccepted?.(callId)
    },
    onOutcome(outcome, callId) {
      if (!accepted) listener.onOutcome(outcome, callId)
    },
  }
}

/** Whether a call is written before it is accepted, and goes on without its caller. */
export function mustBeStored({ idempotencyKey, detach }: CallRequest): boolean {
  return idempotencyKey !== undefined || detach === true
}
