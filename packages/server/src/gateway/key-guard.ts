import { AtpError, isAtpError } from '@atp/core'
import type { KeyService } from '../keys/key-service.ts'
import type { KeyKind, StoredKey } from '../store/store.ts'
import { RateWindow } from './rate-window.ts'

/** What a {@link KeyGuard} is made of. */
export interface KeyGuardOptions {
  keys: Pick<KeyService, 'authenticate'>
  /** Wrong keys from one address within a minute that are answered 401. */
  failedKeysPerMinute: number
  /** Monotonic milliseconds. @default `performance.now` */
  now?: () => number
  /** Addresses counted apart within a minute; further ones share one count. @default 10_000 */
  maxAddresses?: number
}

/**
 * Rule K7: an address that shows too many wrong keys learns only that it has to wait. Its wrong keys are answered 429
 * in place of 401, by sockets and HTTP alike. Good keys are served whatever the others behind the same address do, so
 * each well-formed key is looked up, above the limit too: nothing else tells a good one from a wrong one. What that
 * costs is one read by its hash; a key with a wrong checksum costs none (rule K1).
 */
export class KeyGuard {
  readonly #keys: Pick<KeyService, 'authenticate'>
  readonly #failures: RateWindow

  constructor({ keys, failedKeysPerMinute, now, maxAddresses }: KeyGuardOptions) {
    this.#keys = keys
    this.#failures = new RateWindow(failedKeysPerMinute, 60_000, {
      ...(now === undefined ? {} : { now }),
      ...(maxAddresses === undefined ? {} : { maxNames: maxAddresses }),
    })
  }

  /**
   * The key behind a text that a peer showed.
   * @param text empty when it showed none, which is no attempt to guess one
   * @param address whose attempts count together
   * @throws AtpError what `KeyService.authenticate` throws; `rate_limited` in place of `unauthorized` above the limit
   */
  async authenticate(text: string, kind: KeyKind, address: string): Promise<StoredKey> {
    try {
      return await this.#keys.authenticate(text, [kind])
    } catch (error) {
      if (text === '' || !isAtpError(error) || error.code !== 'unauthorized') throw error
      const retryAfterMs = this.#failures.take(address)
      if (retryAfterMs === 0) throw error
      throw new AtpError('rate_limited', 'Too many wrong API keys came from this address; try again later', {
        details: { retryAfterMs: Math.ceil(retryAfterMs) },
      })
    }
  }
}
