import type { Call } from '../calls/call.ts'

/** Sessions of one process that are known; the oldest one is forgotten for a new one. */
const maxSessions = 1_000

interface LegacySession {
  /** The call that opened it: the SDK names the session by it. */
  startId: string
  /** The call that is answered next. */
  callId: string
}

/** The calls and app sessions of one process as the Python SDK reads them. */
export class LegacyApps {
  readonly #sessions = new Map<string, LegacySession>()

  /** A call as its request travels. */
  encode(call: Call): string {
    const { app } = call
    if (app === undefined) return message('atp_tool_request', requestOf(call))
    if (app.event === 'start') {
      this.#sessions.set(app.sessionId, { startId: call.id, callId: call.id })
      const [oldest] = this.#sessions.keys()
      if (this.#sessions.size > maxSessions && oldest !== undefined) this.#sessions.delete(oldest)
      return message('atp_app_request', requestOf(call))
    }
    const session = this.#sessions.get(app.sessionId) ?? { startId: app.sessionId, callId: call.id }
    session.callId = call.id
    if (app.event === 'action') {
      return message('atp_app_action', { request_id: session.startId, action_data: app.data ?? {} })
    }
    this.#sessions.delete(app.sessionId)
    return message('atp_app_terminate', { request_id: session.startId })
  }

  /** The call that an answer is for, which names the one that opened its session. */
  callOf(startId: string): string | undefined {
    for (const session of this.#sessions.values()) if (session.startId === startId) return session.callId
    return undefined
  }
}

function requestOf({ id, tool, params, authToken }: Call): Record<string, unknown> {
  const token = tool.auth === null || authToken === undefined ? {} : { auth_token: authToken }
  return { request_id: id, tool_name: tool.name, params, ...token }
}

function message(type: string, payload: Record<string, unknown>): string {
  return JSON.stringify({ message_type: type, payload })
}
