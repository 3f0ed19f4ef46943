import type { Call } from '../calls/call.ts'

/** Stored calls whose outcome is being written: whoever gave it must not forget it before. */
export class EndingCalls {
  readonly #byId = new Map<string, Call>()

  /** A call is about to have its outcome. */
  add(call: Call): void {
    if (!call.stored) return
    this.#byId.set(call.id, call)
    call.onceWritten(() => this.#byId.delete(call.id))
  }

  /** The call of an id whose outcome is being written; to any other toolkit it is missing (rule K8). */
  get(toolkitId: string, callId: string): Call | undefined {
    const call = this.#byId.get(callId)
    return call?.toolkit.id === toolkitId ? call : undefined
  }
}
