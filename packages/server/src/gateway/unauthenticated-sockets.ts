import { AtpError } from '@atp/core'
import type { ServerLimits } from '../limits.ts'

/** How soon a place may be free again: what stays mute is closed within the time for the first frame. */
const retryAfterMs = 5_000

/**
 * The places for sockets that have not shown a key yet (rule T4): a few for each address and some more in total, so that
 * peers that connect and say nothing use up neither memory nor what others need.
 */
export class UnauthenticatedSockets {
  readonly #limits: ServerLimits
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  /**
   * Takes a place. Returns what gives it back; doing so again changes nothing.
   * @throws AtpError `rate_limited` when there is none
   */
  enter(address: string): () => void {
    const { unauthenticatedSockets, unauthenticatedSocketsPerAddress } = this.#limits
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (ofAddress >= unauthenticatedSocketsPerAddress || this.#total >= unauthenticatedSockets) {
      throw new AtpError(
        'rate_limited',
        'Too many sockets are open that have shown no key yet; show it in the Authorization header, or try again later',
        { details: { retryAfterMs } },
      )
    }
    this.#byAddress.set(address, ofAddress + 1)
    this.#total += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave(address)
    }
  }

  #leave(address: string): void {
    this.#total -= 1
    const rest = (this.#byAddress.get(address) ?? 1) - 1
    if (rest > 0) this.#byAddress.set(address, rest)
    else this.#byAddress.delete(address)
  }
}
