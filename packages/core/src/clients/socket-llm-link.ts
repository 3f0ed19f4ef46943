import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { decodeToLlm } from '../protocol/codec.ts'
import type { ToLlmFrame } from '../protocol/frames.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import type { Connect } from '../transport/transport.ts'
import { connectWebSocket } from '../transport/websocket.ts'
import { Connection, lostError } from './connection.ts'
import { type LegacyFallback, withLegacyFallback } from './legacy/legacy-fallback.ts'
import { openLegacyLlm } from './legacy/legacy-llm-link.ts'
import { openSession, type Session } from './session.ts'
import { LlmRequests } from './socket-llm-requests.ts'

/** Where a {@link SocketLlmLink} leads, and how patient it is. */
export interface SocketLlmOptions {
  /** `ws://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  logger: Logger
  reconnectTimeoutMs: number
  backoff: BackoffOptions
  connect: Connect | undefined
  legacyFallback: LegacyFallback
}

const connectTimeoutMs = 10_000
const maxBackoffMs = 30_000

/** One connection and what was asked on it. */
export interface OpenLink {
  session: Session
  requests: LlmRequests
}

/**
 * The connection of an LLM client. One that the server is about to close is replaced: new requests go over a new one, and
 * the old one stays until what was asked on it is answered.
 */
export class SocketLlmLink {
  readonly #options: SocketLlmOptions
  readonly #url: string
  readonly #connect: Connect
  readonly #connection: Connection
  /** Every connection that is open, also those that take nothing new. */
  readonly #links = new Map<Session, OpenLink>()
  // Made when connecting: some platforms have no randomness while a module loads.
  #instanceId: string | undefined

  constructor(options: SocketLlmOptions) {
    this.#options = options
    this.#url = `${options.baseUrl}/ws/v2/llm`
    const connect = options.connect ?? connectWebSocket
    this.#connect = withLegacyFallback({
      mode: options.legacyFallback,
      connect,
      openLegacy: openLegacyLlm({ baseUrl: options.baseUrl, connect }),
      logger: options.logger,
    })
    this.#connection = new Connection({
      open: (signal, gone) => this.#openSession(signal, gone),
      onState: () => {},
      failFast: true,
      // An attempt that is further away than a call waits would let calls fail although the server is back.
      backoff: { maxMs: Math.min(maxBackoffMs, Math.max(1, options.reconnectTimeoutMs / 2)), ...options.backoff },
      logger: options.logger,
    })
  }

  /** The connection of this moment. */
  get current(): OpenLink | undefined {
    const { session } = this.#connection
    return session && this.#links.get(session)
  }

  /**
   * The connection that comes, or comes back, within the time a call is willing to wait.
   * @throws AtpError `connection_failed`, `connection_closed`, `cancelled`, `client_stopped`, or why the server refuses
   */
  async open(signal: AbortSignal | undefined): Promise<OpenLink> {
    const patience = new AbortController()
    const timer = setTimeout(() => {
      const message = `No connection to ${this.#url} within ${this.#options.reconnectTimeoutMs} ms`
      patience.abort(new AtpError('connection_failed', message))
    }, this.#options.reconnectTimeoutMs)
    const onAbort = (): void => patience.abort(cancelledError(signal?.reason))
    signal?.addEventListener('abort', onAbort)
    try {
      const link = this.#links.get(await this.#connection.start(patience.signal))
      if (link) return link
      throw new AtpError('connection_closed', 'The connection closed as it was opened')
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Rejects all requests with `client_stopped` and closes all connections. Idempotent. */
  close(): void {
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const { requests } of links) {
      requests.rejectAll(() => new AtpError('client_stopped', 'The client was closed'))
    }
    this.#connection.stop()
  }

  async #openSession(signal: AbortSignal, gone: (code: number, reason: string) => void): Promise<Session> {
    this.#instanceId ??= crypto.randomUUID()
    let session: Session | undefined
    let draining = false
    const { logger } = this.#options
    const leave = (): void => {
      if (draining && requests.size === 0) session?.giveUp(closeCodes.normal, 'drained')
    }
    const requests = new LlmRequests({
      logger,
      onDrain: (deadlineMs) => {
        draining = true
        logger.info('server.draining', { deadlineMs })
        leave()
      },
      onIdle: leave,
    })
    session = await openSession<ToLlmFrame>({
      url: this.#url,
      apiKey: this.#options.apiKey,
      hello: { capabilities: [], instanceId: this.#instanceId },
      connect: this.#connect,
      decode: decodeToLlm,
      onFrame: (frame) => requests.onFrame(frame),
      onClose: (code, reason) => {
        if (session) this.#links.delete(session)
        requests.rejectAll(() => lostError(code, reason))
        gone(code, reason)
      },
      onBadFrame: (error, requestId) => {
        logger.warn('frame.unreadable', { error: error.message })
        if (requestId === undefined) return
        const message = `The server sent an answer that cannot be read: ${error.message}`
        if (!requests.reject(requestId, new AtpError('protocol_error', message))) return
        // What could not be read may have been a part of it: the tool may still run.
        session?.send({ type: 'cancel', requestId, reason: 'the client cannot read what is sent for it' })
      },
      timeoutMs: connectTimeoutMs,
      signal,
    })
    // One that opens while the client is closed is closed by who asked for it; one that is gone already is nobody's.
    if (!signal.aborted && session.isOpen) this.#links.set(session, { session, requests })
    // It may have said so in the turn of the welcome.
    leave()
    return session
  }
}
