/** Who waits for calls to end, by call. */
export class EndedListeners {
  readonly #byCall = new Map<string, Set<() => void>>()

  /** Returns what ends the listening. */
  add(callId: string, listener: () => void): () => void {
    const listeners = this.#byCall.get(callId) ?? new Set()
    this.#byCall.set(callId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#byCall.get(callId) === listeners) this.#byCall.delete(callId)
    }
  }

  /** A call has its outcome. */
  tell(callId: string): void {
    const listeners = this.#byCall.get(callId)
    this.#byCall.delete(callId)
    for (const listener of listeners ?? []) listener()
  }
}
