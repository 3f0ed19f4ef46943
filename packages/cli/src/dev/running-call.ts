import type { InvokeOutcome } from '@atp/core'

/** What a running call says next. */
export type CallStep = { type: 'chunk'; value: unknown } | { type: 'outcome'; outcome: InvokeOutcome }

/** A call in the process of the tools, as its proxy sees it. */
export class RunningCall {
  readonly #steps: CallStep[] = []
  #waiting: ((step: CallStep) => void) | undefined
  readonly #onProgress: (value: unknown) => void

  constructor(onProgress: (value: unknown) => void) {
    this.#onProgress = onProgress
  }

  progress(value: unknown): void {
    this.#onProgress(value)
  }

  push(step: CallStep): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting(step)
    else this.#steps.push(step)
  }

  /** One reader at a time; nothing follows the outcome. */
  next(): Promise<CallStep> {
    const step = this.#steps.shift()
    if (step) return Promise.resolve(step)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }
}
