import type { ClaimHolder, IdempotencyClaim } from '../store/durable-store.ts'
import type { CallListener, CallRequest } from './call-request.ts'
import { inProgressError, mismatchError } from './idempotency.ts'
import type { StoredCalls } from './stored-calls.ts'

/** Answers calls that are others by their idempotency keys. */
export class Replays {
  readonly #stored: StoredCalls
  readonly #isRunning: (callId: string) => boolean

  constructor(stored: StoredCalls, isRunning: (callId: string) => boolean) {
    this.#stored = stored
    this.#isRunning = isRunning
  }

  /**
   * Tells a listener what became of the call that has the claim.
   * @throws AtpError `idempotency_mismatch` when that call asks for something else, `idempotency_in_progress` when it
   * has no outcome yet
   */
  async answer(
    request: CallRequest,
    { callId, fingerprint }: ClaimHolder,
    claim: IdempotencyClaim | undefined,
    listener: CallListener,
  ): Promise<void> {
    if (fingerprint !== claim?.fingerprint) throw mismatchError()
    if (request.detach) {
      listener.onAccepted?.(callId)
      return
    }
    const ended = this.#isRunning(callId) ? undefined : await this.#stored.outcomeOf(request.key.projectId, callId)
    if (!ended) throw inProgressError(callId)
    listener.onOutcome(ended.outcome, callId)
  }
}
