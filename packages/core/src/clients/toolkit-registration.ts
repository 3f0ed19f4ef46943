import { AtpError } from '../errors/atp-error.ts'
import type { WireError } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { RegisteredFrame } from '../protocol/frames.ts'
import { toWireTool } from '../protocol/tool-descriptor.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import { toolkitHash } from '../tool/fingerprint.ts'
import type { Tool } from '../tool/tool.ts'
import { PendingRequests } from '../transport/pending-requests.ts'
import { peerError, type Session } from './session.ts'

const answerTimeoutMs = 30_000

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
  #known: { hash: string; tools: Map<string, Tool> } | undefined
  #running: Promise<void> | undefined
  #changedMeanwhile = false
  #announced = false
  #lastRequest = 0

  constructor(toolkit: Toolkit, logger: Logger) {
    this.#toolkit = toolkit
    this.#logger = logger
  }

  /** The server's id of the toolkit; empty before the first registration. */
  get toolkitId(): string {
    return this.#toolkitId
  }

  /** Whether the toolkit was registered since the last time this was asked. */
  takeAnnounced(): boolean {
    const announced = this.#announced
    this.#announced = false
    return announced
  }

  /** Registers everything on a new session. @throws AtpError `registration_rejected` and what the server says. */
  async register(session: Session): Promise<void> {
    this.#session = session
    this.#known = undefined
    await this.#sync(session.welcome.toolkitHash)
    this.#announced = true
  }

  /** The session is gone; whoever waits for an answer on it gets the error. */
  disconnected(error: AtpError): void {
    this.#session = undefined
    this.#pending.rejectAll(() => new AtpError(error.code, error.message))
  }

  /** The toolkit changed: tells the server once the present turn of the event loop is over. */
  changed(): void {
    if (!this.#known) return
    this.#changedMeanwhile = true
    if (this.#running !== undefined) return
    this.#running = this.#follow().finally(() => {
      this.#running = undefined
    })
    // Whoever waits in `settled` sees the failure; when nobody does, the log has it.
    this.#running.catch(() => {})
  }

  /** Resolves when nothing is left to tell. @throws AtpError what the last attempt failed with */
  async settled(): Promise<void> {
    await this.#running
  }

  answered(requestId: string, frame: RegisteredFrame): void {
    this.#pending.resolve(requestId, frame)
  }

  failed(requestId: string, error: WireError): void {
    this.#pending.reject(requestId, peerError(error))
  }

  async #follow(): Promise<void> {
    while (this.#changedMeanwhile && this.#session) {
      // Many tools registered in a row are one registration.
      await undefined
      this.#changedMeanwhile = false
      try {
        await this.#sync(undefined)
      } catch (error) {
        this.#logger.error('registration.failed', { error: (error as Error).message })
        throw error
      }
    }
  }

  async #sync(storedHash: string | undefined): Promise<void> {
    const { caption, instructions, registeredTools } = this.#toolkit
    const tools = [...registeredTools.values()]
    const hash = await toolkitHash({ caption, instructions, tools })
    if (this.#known?.hash === hash) return
    const known = this.#known?.tools ?? new Map<string, Tool>()
    const removed = [...known.keys()].filter((name) => !registeredTools.has(name))
    const identity = { toolkitHash: hash, caption, instructions }
    if (removed.length > 0 && tools.every((tool) => known.get(tool.name) === tool)) {
      await this.#ask((requestId) => ({ type: 'unregister', requestId, toolkitHash: hash, tools: removed }))
    } else {
      const short = storedHash === hash
      const full = { ...identity, tools: tools.map(toWireTool) }
      let answer = await this.#ask((requestId) => ({ type: 'register', requestId, ...(short ? identity : full) }))
      if (answer.resend) answer = await this.#ask((requestId) => ({ type: 'register', requestId, ...full }))
      if (answer.rejected.length > 0) throw rejectionError(this.#toolkit.appName, answer)
    }
    this.#known = { hash, tools: new Map(tools.map((tool) => [tool.name, tool])) }
  }

  async #ask(makeFrame: (requestId: string) => Parameters<Session['send']>[0]): Promise<RegisteredFrame> {
    const session = this.#session
    if (!session) throw new AtpError('connection_closed', 'The connection closed before the tools were registered')
    this.#lastRequest += 1
    const requestId = `r${this.#lastRequest}`
    const answer = this.#pending.wait(requestId, answerTimeoutMs, () => {
      return new AtpError('connection_failed', `The server did not answer a registration within ${answerTimeoutMs} ms`)
    })
    session.send(makeFrame(requestId))
    const frame = await answer
    this.#toolkitId = frame.toolkitId
    return frame
  }
}

function rejectionError(appName: string, { rejected }: RegisteredFrame): AtpError {
  const list = rejected.map(({ name, message }) => `${name}: ${message}`).join('; ')
  return new AtpError('registration_rejected', `The server did not take these tools of toolkit "${appName}": ${list}`, {
    details: { rejected },
  })
}
