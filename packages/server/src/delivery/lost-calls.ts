import type { Call } from '../calls/call.ts'

/** What {@link LostCalls} needs. */
export interface LostCallsOptions {
  /** How long a call waits, in milliseconds. */
  waitMs: number
  /**
   * Nobody came back for a call in time, or its process does not have it.
   * @param neverGot whether the process that an earlier server meant it for never got it
   */
  onGivenUp: (call: Call, neverGot: boolean) => void
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
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Calls whose process lost its connection and may come back with their answers. */
export class LostCalls {
  readonly #waitMs: number
  readonly #onGivenUp: LostCallsOptions['onGivenUp']
  readonly #byId = new Map<string, LostCall>()
  #stopped = false

  constructor({ waitMs, onGivenUp }: LostCallsOptions) {
    this.#waitMs = waitMs
    this.#onGivenUp = onGivenUp
  }

  /** Keeps a call until somebody takes it. After `stop` it is given up no more, but left to the next server. */
  add(call: Call, { process, orAnother = false, waitMs = this.#waitMs }: LostTo): void {
    const timer = this.#stopped ? undefined : setTimeout(() => this.#giveUp(call), waitMs)
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
    if (this.#stopped) return
    for (const lost of [...this.#byId.values()]) {
      if (lost.process === process) this.#giveUp(lost.call, neverGot && lost.orAnother)
    }
  }

  /** A call has its outcome, or goes on elsewhere. */
  forget(call: Call): void {
    clearTimeout(this.#byId.get(call.id)?.timer)
    this.#byId.delete(call.id)
  }

  /**
   * Gives none up any more: the calls that are left go on with the next server. They stay known, as an answer that comes
   * until then must not be acknowledged like one that nobody waits for. Idempotent.
   */
  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#byId.values()) clearTimeout(timer)
  }

  #giveUp(call: Call, neverGot: boolean = false): void {
    this.forget(call)
    if (!call.ended) this.#onGivenUp(call, neverGot)
  }
}
