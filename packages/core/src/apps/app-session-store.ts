/** How long a session waits for its user when nothing is said, in milliseconds. */
export const defaultSessionTimeoutMs = 1_800_000

/** Sessions of one app that are kept at once; the one that was used least recently goes for a new one. */
const maxSessions = 10_000

interface StoredSession {
  state: unknown
  /** Monotonic milliseconds. */
  usedAt: number
}

/** The sessions of one app, in the memory of its process. Expired ones go when others are used: no timer runs for them. */
export class AppSessionStore {
  readonly #timeoutMs: number
  readonly #now: () => number
  /** In the order of use. */
  readonly #sessions = new Map<string, StoredSession>()
  /** The end of the last thing that happens to a session, by its id. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(timeoutMs: number, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs
    this.#now = now
  }

  get(id: string): { readonly state: unknown } | undefined {
    this.#expire()
    return this.#sessions.get(id)
  }

  set(id: string, state: unknown): void {
    this.#sessions.delete(id)
    this.#sessions.set(id, { state, usedAt: this.#now() })
    this.#expire()
  }

  delete(id: string): void {
    this.#sessions.delete(id)
  }

  /**
   * Does something once all that was to happen to a session before is done, whatever became of it. What its signal
   * aborts is not waited for any more, and never begins when it had not: a handler that hangs costs the session no more
   * than its own time.
   * @throws the reason of `signal`, or what `work` rejects with
   */
  inTurn<T>(id: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const aborted = rejectionBy(signal)
    const before = this.#turns.get(id)
    const turn = (async () => {
      await before
      signal.throwIfAborted()
      return await Promise.race([work(), aborted])
    })()
    const ended: Promise<void> = turn
      .catch(() => {})
      .then(() => {
        if (this.#turns.get(id) === ended) this.#turns.delete(id)
      })
    this.#turns.set(id, ended)
    return Promise.race([turn, aborted])
  }

  #expire(): void {
    const oldest = this.#now() - this.#timeoutMs
    for (const [id, { usedAt }] of this.#sessions) {
      if (usedAt > oldest && this.#sessions.size <= maxSessions) return
      this.#sessions.delete(id)
    }
  }
}

/** Rejects with the reason of a signal when that aborts. */
function rejectionBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
