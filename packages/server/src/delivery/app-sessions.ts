import type { Call } from '../calls/call.ts'

/** How many sessions are known; the one that was used least recently is forgotten for a new one. */
const maxSessions = 100_000

/** Which process has which session of its apps: what a user does next has to go there. */
export class AppSessions {
  readonly #sessions = new Map<string, { process: string; keyId: string }>()

  /** A call of a session was sent to a process. */
  note(call: Call, process: string): void {
    if (!call.app) return
    const session = nameOf(call)
    // Again at the end: the map is in the order of use.
    this.#sessions.delete(session)
    if (call.app.event === 'close') return
    this.#sessions.set(session, { process, keyId: call.key.id })
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > maxSessions && oldest !== undefined) this.#sessions.delete(oldest)
  }

  /**
   * Whether a call may go to a process: it is of no session, starts one, or the process has its session. To any key but
   * the one that opened it a session is missing, and cannot be opened over it.
   */
  mayGoTo(call: Call, process: string): boolean {
    if (call.app === undefined) return true
    const session = this.#sessions.get(nameOf(call))
    if (session === undefined) return call.app.event === 'start'
    if (session.keyId !== call.key.id) return false
    return call.app.event === 'start' || session.process === process
  }
}

function nameOf({ toolkit, app }: Call): string {
  return `${toolkit.id} ${app?.sessionId}`
}
