import type { Call } from '../calls/call.ts'

/** How many sessions are known; the one that was used least recently is forgotten for a new one. */
const maxSessions = 100_000

/** Which process has which session of its apps: what a user does next has to go there. */
export class AppSessions {
  readonly #processes = new Map<string, string>()

  /** A call of a session was sent to a process. */
  note(call: Call, process: string): void {
    if (!call.app) return
    const session = nameOf(call)
    // Again at the end: the map is in the order of use.
    this.#processes.delete(session)
    if (call.app.event === 'close') return
    this.#processes.set(session, process)
    const [oldest] = this.#processes.keys()
    if (this.#processes.size > maxSessions && oldest !== undefined) this.#processes.delete(oldest)
  }

  /** Whether a call may go to a process: it has the call's session, or the call is of none, or starts one. */
  mayGoTo(call: Call, process: string): boolean {
    return call.app === undefined || call.app.event === 'start' || this.#processes.get(nameOf(call)) === process
  }
}

function nameOf({ toolkit, app }: Call): string {
  return `${toolkit.id} ${app?.sessionId}`
}
