/** How long a slot is believed in, in milliseconds; longer than any call may take. */
export const slotLifeMs = 900_000

/**
 * Counts what runs at once. A slot is held until its handler ends; platforms that stop a request's code when its client
 * leaves never say so, and there the slots of such calls are free again after {@link slotLifeMs}.
 */
export class CallSlots {
  readonly #limit: number
  #held = 0
  // A list with links both ways: a Set of objects would cost as much as all the rest of a small call's bookkeeping.
  #oldest: Slot | undefined
  #newest: Slot | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes a slot; returns what gives it back, or undefined when none is free. */
  take(): (() => void) | undefined {
    const now = performance.now()
    if (this.#held >= this.#limit) this.#forget(now - slotLifeMs)
    if (this.#held >= this.#limit) return undefined
    const slot: Slot = { takenAt: now, held: true, older: this.#newest, newer: undefined }
    if (this.#newest === undefined) this.#oldest = slot
    else this.#newest.newer = slot
    this.#newest = slot
    this.#held += 1
    return () => this.#release(slot)
  }

  #release(slot: Slot): void {
    if (!slot.held) return
    slot.held = false
    this.#held -= 1
    if (slot.older === undefined) this.#oldest = slot.newer
    else slot.older.newer = slot.newer
    if (slot.newer === undefined) this.#newest = slot.older
    else slot.newer.older = slot.older
    slot.older = undefined
    slot.newer = undefined
  }

  #forget(takenBefore: number): void {
    while (this.#oldest !== undefined && this.#oldest.takenAt <= takenBefore) this.#release(this.#oldest)
  }
}

interface Slot {
  readonly takenAt: number
  held: boolean
  older: Slot | undefined
  newer: Slot | undefined
}
