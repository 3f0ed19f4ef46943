import type { StoredKeyWithHash } from '../store/store.ts'

/** How many keys are remembered at once; when there are more, all are forgotten. */
const maxKeys = 10_000

/**
 * Keys that were found a moment ago, by their hash: a client over HTTP shows its key with every request. Far shorter than
 * the time within which a revocation must hold everywhere (rule K5).
 */
export class RecentKeys {
  readonly #keepMs: number
  readonly #now: () => number
  readonly #byHash = new Map<string, { key: StoredKeyWithHash; until: number }>()

  /** @param now monotonic milliseconds */
  constructor(keepMs: number, now: () => number = () => performance.now()) {
    this.#keepMs = keepMs
    this.#now = now
  }

  find(hash: string): StoredKeyWithHash | undefined {
    const known = this.#byHash.get(hash)
    return known !== undefined && known.until > this.#now() ? known.key : undefined
  }

  remember(key: StoredKeyWithHash): void {
    // It may stand for a toolkit at any moment, and then it has to be known at once.
    if (key.kind === 'toolkit' && key.toolkitId === null) return
    if (this.#byHash.size >= maxKeys) this.#byHash.clear()
    this.#byHash.set(key.hash, { key, until: this.#now() + this.#keepMs })
  }

  /** It was revoked. */
  forget(id: string): void {
    for (const [hash, { key }] of this.#byHash) if (key.id === id) this.#byHash.delete(hash)
  }
}
