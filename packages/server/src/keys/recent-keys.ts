import type { StoredKeyWithHash } from '../store/store.ts'

/** How many keys are remembered at once; when there are more, all are forgotten. */
const maxKeys = 10_000

/** When the store was asked for a key. */
export interface KeyQuestion {
  /** Monotonic milliseconds. */
  readonly askedAt: number
  /** How many revocations were known then. */
  readonly revocations: number
}

/**
 * Keys that were found a moment ago, by their hash: a client over HTTP shows its key with every request. Far shorter than
 * the time within which a revocation must hold everywhere (rule K5).
 */
export class RecentKeys {
  readonly #keepMs: number
  readonly #now: () => number
  readonly #byHash = new Map<string, { key: StoredKeyWithHash; until: number }>()
  #revocations = 0

  /** @param now monotonic milliseconds */
  constructor(keepMs: number, now: () => number = () => performance.now()) {
    this.#keepMs = keepMs
    this.#now = now
  }

  find(hash: string): StoredKeyWithHash | undefined {
    const known = this.#byHash.get(hash)
    return known !== undefined && known.until > this.#now() ? known.key : undefined
  }

  /** Notes that the store is about to be asked: what it answers is as old as the question. */
  ask(): KeyQuestion {
    return { askedAt: this.#now(), revocations: this.#revocations }
  }

  /** Whether a key was revoked since the question: its answer may be one from before. */
  isOutdated({ revocations }: KeyQuestion): boolean {
    return revocations !== this.#revocations
  }

  remember(key: StoredKeyWithHash, question: KeyQuestion): void {
    if (this.isOutdated(question)) return
    // It may stand for a toolkit at any moment, and then it has to be known at once.
    if (key.kind === 'toolkit' && key.toolkitId === null) return
    if (this.#byHash.size >= maxKeys) this.#byHash.clear()
    this.#byHash.set(key.hash, { key, until: question.askedAt + this.#keepMs })
  }

  /** It was revoked. */
  forget(id: string): void {
    this.#revocations += 1
    for (const [hash, { key }] of this.#byHash) if (key.id === id) this.#byHash.delete(hash)
  }
}
