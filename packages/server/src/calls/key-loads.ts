import { AtpError } from '@atp/core'

/** What is under way for one key. */
export interface KeyLoad {
  calls: number
  requestChars: number
}

/** What may be under way for one key. */
export interface KeyLoadLimits {
  /** Calls at most. */
  maxCalls: number
  /** What they may keep, in characters of their requests. */
  maxRequestChars: number
}

/** Counts what is under way for each key. */
export class KeyLoads {
  readonly #limits: KeyLoadLimits
  readonly #loads = new Map<string, KeyLoad>()

  constructor(limits: KeyLoadLimits) {
    this.#limits = limits
  }

  /** Counts one more call. @throws AtpError `busy` when the key has as much under way as it may */
  enter(keyId: string, requestChars: number): KeyLoad {
    const load = this.#loads.get(keyId)
    if (load && load.calls >= this.#limits.maxCalls) {
      throw new AtpError(
        'busy',
        `This key has ${load.calls} calls under way, which is its limit; send the call again later`,
      )
    }
    if (load && load.requestChars + requestChars > this.#limits.maxRequestChars) {
      throw new AtpError('busy', 'The calls under way for this key are too large together; send the call again later')
    }
    return this.add(keyId)
  }

  /** Counts one more call, whatever there is. */
  add(keyId: string): KeyLoad {
    let load = this.#loads.get(keyId)
    if (!load) {
      load = { calls: 0, requestChars: 0 }
      this.#loads.set(keyId, load)
    }
    load.calls += 1
    return load
  }

  /** Counts one call less. */
  leave(keyId: string, load: KeyLoad): void {
    load.calls -= 1
    if (load.calls === 0) this.#loads.delete(keyId)
  }
}
