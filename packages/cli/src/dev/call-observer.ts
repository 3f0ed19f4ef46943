import type { WireError } from '@atp/core'
import type { AppEvent } from '@atp/core/protocol'

/** A call as it is shown. */
export interface ObservedCall {
  /** Counts from 1. */
  number: number
  callId: string
  toolkit: string
  tool: string
  /** Of an action in a session of an app, what its user did. */
  args: unknown
  /** What happens in a session of an app. */
  event?: AppEvent['event'] | undefined
}

/** What came of a call; the result as JSON text. */
export type ObservedOutcome = { ok: true; json: string } | { ok: false; error: Pick<WireError, 'code' | 'message'> }

/** Is told of each call; the methods must not throw. */
export interface CallObserver {
  started(call: ObservedCall): void
  progressed(call: ObservedCall, value: unknown): void
  ended(call: ObservedCall, outcome: ObservedOutcome, durationMs: number): void
}
