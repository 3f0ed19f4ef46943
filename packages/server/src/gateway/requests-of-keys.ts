import type { ServerResponse } from 'node:http'
import type { StoredKey } from '../store/store.ts'

/** No request is held for longer, in milliseconds; a timer takes no more than 24.8 days. */
const longestRequestMs = 3_600_000

/** The requests under way, by the key they showed: a poll or a stream that is held must not outlive it (rule K5). */
export class RequestsOfKeys {
  readonly #byKey = new Map<string, Set<ServerResponse>>()

  /** Counts a request until it is answered or its connection is lost; it ends when its key is revoked or expires. */
  add({ id, expiresAt }: Pick<StoredKey, 'id' | 'expiresAt'>, response: ServerResponse): void {
    if (response.destroyed) return
    const ofKey = this.#byKey.get(id) ?? new Set()
    this.#byKey.set(id, ofKey.add(response))
    const leftMs = expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt - Date.now()
    const expiry = leftMs < longestRequestMs ? setTimeout(() => response.destroy(), leftMs) : undefined
    response.once('close', () => {
      clearTimeout(expiry)
      ofKey.delete(response)
      if (ofKey.size === 0 && this.#byKey.get(id) === ofKey) this.#byKey.delete(id)
    })
  }

  /** Ends the requests of a key that was revoked, as if their clients had gone away. */
  closeKey(keyId: string): void {
    for (const response of this.#byKey.get(keyId) ?? []) response.destroy()
  }
}
