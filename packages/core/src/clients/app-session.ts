import type { UiContent } from '../apps/ui-node.ts'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import type { AppEvent } from '../protocol/frames.ts'
import { isJsonObject } from '../protocol/json.ts'

/** Sends one event of a session, and gives what the app answered. */
export type SendAppEvent = (app: AppEvent, signal: AbortSignal | undefined) => Promise<unknown>

/** How one step of a session is made. */
export interface AppStepOptions {
  /** Cancels the step; the session stays as it was. */
  signal?: AbortSignal
}

/** A session of an app: what it shows, and what its user does. The process that runs the app keeps its state. */
export class AppSession {
  readonly id: string
  readonly #send: SendAppEvent
  #ui: UiContent
  #ended: boolean

  private constructor(id: string, send: SendAppEvent, answer: AppAnswer) {
    this.id = id
    this.#send = send
    this.#ui = answer.ui
    this.#ended = answer.ended
  }

  /** Opens a session. @throws AtpError what the app failed with */
  static async open(send: SendAppEvent, options: AppStepOptions = {}): Promise<AppSession> {
    const sessionId = crypto.randomUUID()
    const answer = readAnswer(await send({ sessionId, event: 'start' }, options.signal))
    return new AppSession(sessionId, send, answer)
  }

  /** What the app shows now. */
  get ui(): UiContent {
    return this.#ui
  }

  /** Whether the app or `close` ended the session. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * Tells the app what its user did.
   * @returns what it shows now
   * @throws AtpError `not_found` when the session is over, and what the app failed with
   */
  async act(data: unknown, options: AppStepOptions = {}): Promise<UiContent> {
    if (this.#ended) throw new AtpError('not_found', `The session "${this.id}" is over; open a new one`)
    const answer = readAnswer(await this.#send({ sessionId: this.id, event: 'action', data }, options.signal))
    this.#ui = answer.ui
    // It may have been closed meanwhile.
    this.#ended ||= answer.ended
    return answer.ui
  }

  /**
   * Ends the session. Idempotent; may be called again when it failed.
   * @throws AtpError what kept the app from hearing of it, or what the app failed with
   */
  async close(options: AppStepOptions = {}): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    try {
      await this.#send({ sessionId: this.id, event: 'close' }, options.signal)
    } catch (error) {
      // It expired, or its process is gone: as good as closed.
      if (isAtpError(error) && error.code === 'not_found') return
      this.#ended = isAtpError(error) && error.code === 'tool_error'
      throw error
    }
  }
}

interface AppAnswer {
  ui: UiContent
  ended: boolean
}

function readAnswer(answer: unknown): AppAnswer {
  if (isJsonObject(answer) && 'ui' in answer && typeof answer.ended === 'boolean') {
    return { ui: answer.ui as UiContent, ended: answer.ended }
  }
  throw new AtpError('protocol_error', 'The app answered something that is no step of a session')
}
