import { AtpError } from '@atp/core'
import { RateWindow } from '../gateway/rate-window.ts'
import { maxLegacyTools } from '../store/legacy-store.ts'

/** Registrations of one key that wait at most: each keeps its whole request. The SDK sends one after the other. */
const maxWaiting = 32

/**
 * Lets the registrations of a key through one after the other, in the order they came, and no sooner than its rate
 * allows: a hash stands for what was registered before it too, and each one writes to the database.
 */
export class RegistrationTurns {
  readonly #rate: RateWindow
  /** Those who wait or are at work, by key, and the end of the last one. */
  readonly #queues = new Map<string, { length: number; last: Promise<unknown> }>()

  /**
   * @param perKeyPer10s registrations of one key within ten seconds; more wait for their turn. @default as many as a
   * toolkit may have tools
   */
  constructor(perKeyPer10s: number = maxLegacyTools) {
    this.#rate = new RateWindow(perKeyPer10s, 10_000, { maxNames: Number.POSITIVE_INFINITY })
  }

  /** Does a piece of work when it is its turn. @throws AtpError `rate_limited` when too many of the key wait already */
  async take<T>(keyId: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(keyId) ?? { length: 0, last: Promise.resolve() }
    if (queue.length > maxWaiting) {
      throw new AtpError('rate_limited', 'Too many registrations of this key wait; send one after the other')
    }
    this.#queues.set(keyId, queue)
    queue.length += 1
    const turn = queue.last.then(async () => {
      for (let waitMs = this.#rate.take(keyId); waitMs > 0; waitMs = this.#rate.take(keyId)) {
        await new Promise<void>((resolve) => void setTimeout(resolve, waitMs).unref())
      }
      return work()
    })
    // The next one's turn comes whatever became of this one.
    queue.last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      queue.length -= 1
      if (queue.length === 0) this.#queues.delete(keyId)
    }
  }
}
