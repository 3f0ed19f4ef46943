/** Listeners by event name, with typed payloads. A listener that throws never stops the others nor the client. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<{ call: (payload: never) => unknown }>>()
  readonly #onListenerError: (event: keyof Events, error: unknown) => void

  constructor(onListenerError: (event: keyof Events, error: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Returns an idempotent function that ends the listening. */
  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    // An entry of its own: the same function may listen twice, and each listening ends alone.
    const entry = { call: listener }
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
    }
  }

  /** Whether making a payload is worth the while. */
  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  /** Calls those who listen now; one that begins to listen meanwhile waits for the next event. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const { call } of [...(this.#listeners.get(event) ?? [])]) {
      try {
        const returned = (call as (payload: Events[E]) => unknown)(payload)
        // An async function is a listener too, and its failure must not end the process.
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#onListenerError(event, error))
      } catch (error) {
        this.#onListenerError(event, error)
      }
    }
  }
}
