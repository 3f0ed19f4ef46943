import type { Logger } from '../logging/logger.ts'
import type { Session } from './session.ts'

interface Kept {
  text: string
  /** The last chunks of its stream. */
  chunks: readonly string[]
  leaseId: string | undefined
  /** Where it was sent last; undefined when there was no session. */
  session: Session | undefined
}

/** Which call a result is of, and its lease if it had one. */
export interface ResultOf {
  requestId: string
  leaseId?: string | undefined
}

const maxKept = 1_024
const noChunks: readonly string[] = []
/** Characters of all kept results together. */
const maxKeptLength = 16 * 1_048_576

/**
 * Sends the results of a toolkit and keeps each until the server has it, so that a call that ends while the connection
 * is lost is not lost with it. Servers without the capability `results` get each once, on the session of its call.
 */
export class ToolkitResults {
  readonly #logger: Logger
  /** By call, the oldest first. */
  readonly #kept = new Map<string, Kept>()
  #keptLength = 0
  /** Whether results were given up, and that was logged, since the server last had all of them. */
  #isFull = false
  /** The newest session whose server takes results of earlier ones. */
  #newest: Session | undefined
  /** Whether a server may still hold calls of an earlier session of ours. */
  #hadSession = false
  /** Whether a result was ever forgotten that its server may not have. */
  #hasForgotten = false
  /** Earlier sessions that may still bring calls. */
  #sessions: Session[] = []

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Where frames of a call go that came on `origin`: there while it is open, else to the session that took its place. */
  route(origin: Session): Session | undefined {
    if (origin.isOpen) return origin
    return takesResults(origin) && this.#newest?.isOpen ? this.#newest : undefined
  }

  /** How many results the server did not acknowledge yet. */
  get size(): number {
    return this.#kept.size
  }

  /**
   * Sends a result frame of a call that came on `origin`.
   * @param chunks frames that were sent, and are sent again before the result where that is sent again
   */
  send(origin: Session, { requestId, leaseId }: ResultOf, text: string, chunks: readonly string[] = noChunks): void {
    const session = this.route(origin)
    if (takesResults(session ?? origin)) this.#keep(requestId, { text, chunks, leaseId, session })
    session?.sendText(text)
  }

  /**
   * A session was opened: tells its server what survived, and sends again what it may not have.
   * @param running the calls that still run
   */
  opened(session: Session, running: Iterable<string>): void {
    this.#sessions = this.#sessions.filter(({ isOpen }) => isOpen)
    const complete = !this.#hasForgotten && this.#sessions.length === 0
    this.#sessions.push(session)
    if (!takesResults(session)) {
      this.clear()
      this.#newest = undefined
      this.#hadSession = false
      return
    }
    this.#newest = session
    if (this.#hadSession) {
      session.send({ type: 'running', requestIds: [...new Set([...running, ...this.#kept.keys()])], complete })
      this.#sendAgain(session)
    }
    this.#hadSession = true
  }

  /** A session ended: what it may not have carried goes to the one that took its place. */
  ended(session: Session): void {
    const newest = this.#newest
    if (newest !== undefined && newest !== session && newest.isOpen) this.#sendAgain(newest)
  }

  /** The server has these results. */
  received(requestIds: readonly string[]): void {
    for (const requestId of requestIds) this.#forget(requestId)
  }

  /** The server does not take this result. @param leaseId the lease that it names, if it names one */
  refused(requestId: string, leaseId?: unknown): void {
    const kept = this.#kept.get(requestId)
    if (kept === undefined || (leaseId !== undefined && kept.leaseId !== leaseId)) return
    this.#hasForgotten = true
    this.#forget(requestId)
  }

  /** Forgets all results, and those of calls that still run. */
  clear(): void {
    this.#hasForgotten = true
    this.#kept.clear()
    this.#keptLength = 0
    this.#isFull = false
  }

  #sendAgain(session: Session): void {
    for (const kept of this.#kept.values()) {
      if (kept.session?.isOpen) continue
      kept.session = session
      for (const chunk of kept.chunks) session.sendText(chunk)
      session.sendText(kept.text)
    }
  }

  #keep(requestId: string, kept: Kept): void {
    // The newest one of a call that came twice goes to the end.
    this.#forget(requestId)
    this.#kept.set(requestId, kept)
    this.#keptLength += lengthOf(kept)
    while (this.#kept.size > maxKept || this.#keptLength > maxKeptLength) {
      const [oldest] = this.#kept.keys()
      if (oldest === undefined) return
      this.#forget(oldest)
      this.#hasForgotten = true
      // A line for each result of a server that lags behind would cost more than the results.
      if (!this.#isFull) this.#logger.warn('result.not_kept', { callId: oldest })
      this.#isFull = true
    }
  }

  #forget(requestId: string): void {
    const kept = this.#kept.get(requestId)
    if (kept === undefined) return
    this.#kept.delete(requestId)
    this.#keptLength -= lengthOf(kept)
    if (this.#kept.size === 0) this.#isFull = false
  }
}

function lengthOf({ text, chunks }: Kept): number {
  let length = text.length
  for (const chunk of chunks) length += chunk.length
  return length
}

/** Whether the server of a session says which results it has, and takes those of an earlier session. */
export function takesResults({ welcome }: Session): boolean {
  return welcome.capabilities.includes('results')
}
