import { serializeResult } from '../dispatch/serialize-result.ts'
import { encodeFrame } from '../protocol/codec.ts'
import { exceedsBytes, type Session } from './session.ts'

/** Whose stream it is, and where its frames go. */
export interface ToolkitStreamOptions {
  requestId: string
  leaseId: string | undefined
  /** The session of this moment; undefined while there is none. */
  route(): Session | undefined
  /** Whether another session will take the place of one that is lost. */
  resumes: boolean
}

/** What may wait for the network before a tool is slowed down and progress is left out (rule T6). */
const maxBufferedBytes = 1_048_576
const maxProgressBytes = 65_536
/** What of a stream is sent again when its connection is lost: no peer says which chunks it has. */
const maxRecent = 256
/** Characters of these chunks. */
const maxRecentLength = 262_144
/** How often a full connection is looked at, in milliseconds: no platform tells when it has room again. */
const lookMs = 10

/** Sends the progress and chunks of one call, no faster than the network takes them. */
export class ToolkitStream {
  readonly #options: ToolkitStreamOptions
  #sequence = 0
  #ended = false
  /** Where chunks were sent last. */
  #session: Session | undefined
  readonly #recent: string[] = []
  #recentLength = 0
  #look: { timer: ReturnType<typeof setTimeout>; resolve: () => void } | undefined

  constructor(options: ToolkitStreamOptions) {
    this.#options = options
  }

  /** Sends progress, which may get lost: what is no JSON, is large, or comes when the network is behind is left out. */
  readonly progress = (progress: unknown): void => {
    const { requestId, leaseId, route } = this.#options
    if (this.#ended) return
    const session = route()
    if (session === undefined || session.bufferedAmount > maxBufferedBytes || !isSmallJson(progress)) return
    session.send({ type: 'progress', requestId, leaseId, progress })
  }

  /** Sends a chunk. The promise is settled when the next one may come; none means at once. */
  readonly chunk = (data: unknown): Promise<unknown> | undefined => {
    const { requestId, leaseId, route, resumes } = this.#options
    if (this.#ended) return undefined
    const text = encodeFrame({ type: 'chunk', requestId, leaseId, sequence: this.#sequence, data })
    this.#sequence += 1
    const session = route()
    if (session === undefined) return resumes ? this.#sendLater(text) : undefined
    this.#send(session, text)
    return session.bufferedAmount > maxBufferedBytes ? this.#untilWritable() : undefined
  }

  /**
   * The call has its outcome: nothing waits any more.
   * @returns the last chunks, which come before the result wherever that is sent again
   */
  end(): readonly string[] {
    this.#ended = true
    clearTimeout(this.#look?.timer)
    this.#look?.resolve()
    const session = this.#options.route()
    if (session !== undefined) this.#move(session)
    return this.#recent
  }

  #send(session: Session, text: string): void {
    this.#move(session)
    session.sendText(text)
    if (!this.#options.resumes) return
    this.#recent.push(text)
    this.#recentLength += text.length
    while (this.#recent.length > maxRecent || this.#recentLength > maxRecentLength) {
      this.#recentLength -= this.#recent.shift()?.length ?? 0
    }
  }

  /** A connection that was lost may have swallowed chunks; the caller passes over those that it has. */
  #move(session: Session): void {
    if (session === this.#session) return
    this.#session = session
    for (const text of this.#recent) session.sendText(text)
  }

  async #sendLater(text: string): Promise<void> {
    const session = await this.#untilWritable()
    if (session !== undefined) this.#send(session, text)
  }

  async #untilWritable(): Promise<Session | undefined> {
    while (!this.#ended) {
      const session = this.#options.route()
      if (session === undefined ? !this.#options.resumes : session.bufferedAmount <= maxBufferedBytes) return session
      await new Promise<void>((resolve) => {
        this.#look = { resolve, timer: setTimeout(resolve, lookMs) }
      })
    }
    return undefined
  }
}

function isSmallJson(value: unknown): boolean {
  if (value === undefined) return false
  try {
    return !exceedsBytes(serializeResult(value, 'progress'), maxProgressBytes)
  } catch {
    return false
  }
}
