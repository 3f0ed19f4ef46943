import { AtpError, isAtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { encodeFrame } from '../protocol/codec.ts'
import type { Frame, RegisteredFrame } from '../protocol/frames.ts'
import { toWireTool } from '../protocol/tool-descriptor.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import { toolkitHash } from '../tool/fingerprint.ts'
import type { Tool } from '../tool/tool.ts'
import { type BackoffOptions, backoffDelayMs, retryAfterMs, sleep } from '../transport/backoff.ts'
import { PendingRequests } from '../transport/pending-requests.ts'
import { exceedsBytes, type Session } from './session.ts'

const answerTimeoutMs = 30_000

/** What the server was last told, and agreed to. */
interface Told {
  hash: string
  caption: string | undefined
  instructions: string | undefined
  tools: ReadonlyMap<string, Tool>
}

/** How a {@link ToolkitRegistration} goes. */
export interface ToolkitRegistrationOptions {
  backoff?: BackoffOptions | undefined
  /** Where calls are to be posted to, or null for nowhere. @default what the server was told last */
  endpointUrl?: string | null | undefined
}

/**
 * Keeps the server's list of a toolkit's tools equal to the toolkit. A registration always names the whole toolkit by
 * its hash; the tools themselves travel only when the server does not have that hash.
 */
export class ToolkitRegistration {
  readonly #toolkit: Toolkit
  readonly #logger: Logger
  readonly #pending = new PendingRequests<RegisteredFrame>()
  #session: Session | undefined
  #toolkitId = ''
  /** Undefined while it is not certain what the server knows. */
  #told: Told | undefined
  #running: Promise<void> | undefined
  #changedMeanwhile = false
  #worked = false
  #lastRequest = 0
  readonly #backoff: BackoffOptions | undefined
  readonly #endpointUrl: string | null | undefined
  /** Ends the wait between two attempts. */
  #pause: AbortController | undefined

  constructor(toolkit: Toolkit, logger: Logger, { backoff, endpointUrl }: ToolkitRegistrationOptions = {}) {
    this.#toolkit = toolkit
    this.#logger = logger
    this.#backoff = backoff
    this.#endpointUrl = endpointUrl
  }

  /** The server's id of the toolkit; empty before the first registration. */
  get toolkitId(): string {
    return this.#toolkitId
  }

  /**
   * Registers everything on a new session. A toolkit that worked keeps working: only its first registration fails
   * because of a tool that the server does not take, later ones log it.
   * @throws AtpError `registration_rejected` and what the server says.
   */
  async register(session: Session): Promise<void> {
    this.#session = session
    this.#told = undefined
    await this.#track(this.#syncAll(session, session.welcome.toolkitHash, this.#worked))
    this.#worked = true
  }

  /** That session is gone; whoever waits for an answer on it gets the error. */
  disconnected(session: Session, error: AtpError): void {
    if (this.#session !== session) return
    this.#session = undefined
    this.#pause?.abort()
    this.#pending.rejectAll(() => new AtpError(error.code, error.message))
  }

  /** The client stops; the next registration is a first one again. */
  stopped(): void {
    this.#worked = false
    if (this.#session) this.disconnected(this.#session, new AtpError('client_stopped', 'The client was stopped'))
  }

  /** The toolkit changed: tells the server once the running code has given way. */
  changed(): void {
    this.#changedMeanwhile = true
    const session = this.#session
    // What is waited for may be what just changed.
    this.#pause?.abort()
    if (session === undefined || this.#running !== undefined) return
    // Whoever waits in `settled` sees the failure; when nobody does, the log has it.
    this.#track(this.#follow(session)).catch(() => {})
  }

  /** Resolves when nothing is left to tell. @throws AtpError what no further attempt would mend */
  async settled(): Promise<void> {
    await this.#running
  }

  answered(requestId: string, frame: RegisteredFrame): void {
    this.#pending.resolve(requestId, frame)
  }

  /** Returns whether that was a request of a registration. */
  failed(requestId: string, error: AtpError): boolean {
    return this.#pending.reject(requestId, error)
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#running = work
    try {
      await work
    } finally {
      if (this.#running === work) this.#running = undefined
    }
  }

  /** Tells the server of a change, again and again while it says that it cannot take it at the moment. */
  async #follow(session: Session): Promise<void> {
    // Many tools registered in a row are one registration.
    await undefined
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#syncAll(session, undefined, false)
        return
      } catch (error) {
        const { message } = error as Error
        if (!isAtpError(error) || !error.retryable || this.#session !== session) {
          this.#logger.error('registration.failed', { error: message })
          throw error
        }
        const retryInMs = backoffDelayMs(attempt, this.#backoff) + retryAfterMs(error)
        this.#logger.warn('registration.retrying', { error: message, retryInMs: Math.round(retryInMs) })
        this.#pause = new AbortController()
        await sleep(retryInMs, this.#pause.signal)
        this.#pause = undefined
        // The next session registers everything anyway.
        if (this.#session !== session) throw new AtpError('connection_closed', message, { cause: error })
      }
    }
  }

  /** Tells the server until nothing changed meanwhile: a failure of what is outdated by then does not count. */
  async #syncAll(session: Session, storedHash: string | undefined, tolerant: boolean): Promise<void> {
    let stored = storedHash
    for (;;) {
      this.#changedMeanwhile = false
      let failure: unknown
      try {
        const rejection = await this.#sync(session, stored)
        if (rejection && !tolerant) failure = rejection
        else if (rejection) this.#logger.error('registration.incomplete', { error: rejection.message })
      } catch (error) {
        failure = error
      }
      stored = undefined
      if (this.#changedMeanwhile && this.#session === session) continue
      if (failure !== undefined) throw failure
      return
    }
  }

  /** Returns what the server did not take. */
  async #sync(session: Session, storedHash: string | undefined): Promise<AtpError | undefined> {
    const { caption, instructions, registeredTools } = this.#toolkit
    const tools = [...registeredTools.values()]
    const hash = await toolkitHash({ caption, instructions, tools })
    const told = this.#told
    if (told?.hash === hash) return undefined
    this.#told = undefined
    let answer: RegisteredFrame
    if (told && onlyRemoved(told, { caption, instructions, tools })) {
      const removed = [...told.tools.keys()].filter((name) => !registeredTools.has(name))
      answer = await this.#ask(session, (requestId) => {
        return { type: 'unregister', requestId, toolkitHash: hash, tools: removed }
      })
    } else {
      const endpointUrl = this.#endpointUrl
      const short = { type: 'register', toolkitHash: hash, caption, instructions, endpointUrl } as const
      const full = { ...short, tools: tools.map(toWireTool) }
      answer = await this.#ask(session, (requestId) => ({ ...(storedHash === hash ? short : full), requestId }))
      if (answer.resend) answer = await this.#ask(session, (requestId) => ({ ...full, requestId }))
    }
    if (answer.rejected.length > 0) return rejectionError(this.#toolkit.appName, answer)
    // An old session that answers late says nothing of what the new one was told.
    if (this.#session !== session) return undefined
    this.#told = { hash, caption, instructions, tools: new Map(tools.map((tool) => [tool.name, tool])) }
    return undefined
  }

  async #ask(session: Session, makeFrame: (requestId: string) => Frame): Promise<RegisteredFrame> {
    if (this.#session !== session) {
      throw new AtpError('connection_closed', 'The connection closed before the tools were registered')
    }
    this.#lastRequest += 1
    const requestId = `r${this.#lastRequest}`
    const text = encodeFrame(makeFrame(requestId))
    const { maxFrameBytes } = session.welcome.limits
    if (exceedsBytes(text, maxFrameBytes)) {
      throw new AtpError(
        'registration_rejected',
        `The tools of toolkit "${this.#toolkit.appName}" need more than the ${maxFrameBytes} bytes that the server takes at once; make several toolkits of it`,
      )
    }
    const answer = this.#pending.wait(requestId, answerTimeoutMs, () => {
      return new AtpError('connection_failed', `The server did not answer a registration within ${answerTimeoutMs} ms`)
    })
    session.sendText(text)
    const frame = await answer
    this.#toolkitId = frame.toolkitId
    return frame
  }
}

/** Whether all that is left was told before, word for word. */
function onlyRemoved(
  told: Told,
  now: { caption: string | undefined; instructions: string | undefined; tools: Tool[] },
): boolean {
  if (told.caption !== now.caption || told.instructions !== now.instructions) return false
  return now.tools.length < told.tools.size && now.tools.every((tool) => told.tools.get(tool.name) === tool)
}

function rejectionError(appName: string, { rejected }: RegisteredFrame): AtpError {
  const list = rejected.map(({ name, message }) => `${name}: ${message}`).join('; ')
  return new AtpError('registration_rejected', `The server did not take these tools of toolkit "${appName}": ${list}`, {
    details: { rejected },
  })
}
