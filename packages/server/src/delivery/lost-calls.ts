import type { Call } from '../calls/call.ts'

/** What {@link LostCalls} needs. */
export interface LostCallsOptions {
  /** How long a call waits, in milliseconds. */
  waitMs: number
  /** Nobody came back for a call in time. */
  onGivenUp: (call: Call) => void
}

/** Who had a lost call. */
export interface LostTo {
  /** The process that had it; undefined when that is not known. */
  process: string | undefined
  /** Whether another one of its toolkit may have it, too. @default false */
  orAnother?: boolean
  /** How long it waits, in milliseconds. @default as for all */
  waitMs?: number
}

interface LostCall {
  call: Call
  process: string | undefined
  orAnother: boolean
  timer: ReturnType<typeof setTimeout>
}

/** Calls whose process lost its connection and may come back with their answers. */
export class LostCalls {
  readonly #waitMs: number
  readonly #onGivenUp: (call: Call) => void
  readonly #byId = new Map<string, LostCall>()
  #stopped = false

  constructor({ waitMs, onGivenUp }: LostCallsOptions) {
    this.#waitMs = waitMs
    this.#onGivenUp = onGivenUp
  }

  /** Keeps a call until somebody takes it. After `stop` it is left to the next server. */
  add(call: Call, { process, orAnother = false, waitMs = this.#waitMs }: LostTo): void {
    if (this.#stopped) return
    const timer = setTimeout(() => this.#giveUp(call), waitMs)
    this.#byId.set(call.id, { call, process, orAnother, timer })
  }

  /** The calls among these ids that a process of a toolkit had, or may have had; they are not kept any more. */
  take(toolkitId: string, process: string | undefined, callIds: readonly string[]): Call[] {
    const taken: Call[] = []
    for (const id of callIds) {
      const lost = this.#byId.get(id)
      if (lost?.call.toolkit.id !== toolkitId) continue
      if (!lost.orAnother && lost.process !== process) continue
      this.forget(lost.call)
      if (!lost.call.ended) taken.push(lost.call)
    }
    return taken
  }

  /**
   * A process does not have what is left of its calls.
   * @param neverGot whether it never got those that an earlier server meant for it
   */
  giveUp(process: string, neverGot: boolean = false): void {
    for (const lost of [...this.#byId.values()]) {
      if (lost.process !== process) continue
      if (neverGot && lost.orAnother) lost.call.notWritten()
      this.#giveUp(lost.call)
    }
  }

  /** A call has its outcome, or goes on elsewhere. */
  forget(call: Call): void {
    clearTimeout(this.#byId.get(call.id)?.timer)
    this.#byId.delete(call.id)
  }

  /** Gives none up any more: the calls that are left go on with the next server. Idempotent. */
  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#byId.values()) clearTimeout(timer)
    this.#byId.clear()
  }

  #giveUp(call: Call): void {
    this.forget(call)
    if (!call.ended) this.#onGivenUp(call)
  }
}
