import { Cancellation } from '../dispatch/cancel-signal.ts'
import { invokeTool } from '../dispatch/invoke-tool.ts'
import { AtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { decodeToToolkit, encodeResult } from '../protocol/codec.ts'
import type { ToolkitCallFrame, ToToolkitFrame } from '../protocol/frames.ts'
import { Toolkit } from '../registry/toolkit.ts'
import type { Connect } from '../transport/transport.ts'
import { connectWebSocket } from '../transport/websocket.ts'
import { defaultBaseUrl, readBaseUrl } from './base-url.ts'
import { checkApiKey, checkConcurrency, checkLegacyFallback, checkWaitMs } from './check-options.ts'
import { Connection, type ConnectionState, lostError } from './connection.ts'
import { Emitter } from './emitter.ts'
import { withLegacyFallback } from './legacy/legacy-fallback.ts'
import { openLegacyToolkit } from './legacy/legacy-toolkit-link.ts'
import { openSession, peerError, type Session } from './session.ts'
import type { ToolKitClientEvents, ToolKitClientOptions } from './toolkit-client-options.ts'
import { ToolkitRegistration } from './toolkit-registration.ts'

export type { ToolKitClientEvents, ToolKitClientOptions } from './toolkit-client-options.ts'

const connectTimeoutMs = 10_000

/** A toolkit that connects to a server and answers its calls. */
export class ToolKitClient extends Toolkit {
  readonly #options: ToolKitClientOptions
  readonly #logger: Logger
  readonly #url: string
  readonly #connect: Connect
  /** Made when connecting: some platforms have no randomness while a module loads. */
  #instanceId: string | undefined
  readonly #maxConcurrency: number
  readonly #connection: Connection
  readonly #registration: ToolkitRegistration
  readonly #events: Emitter<ToolKitClientEvents>
  /** Calls without an outcome. */
  readonly #running = new Set<Cancellation>()
  /** The newest run of each call: a server may send a call again after it lost the connection. */
  readonly #runById = new Map<string, Cancellation>()
  /** Handlers that have not ended, abandoned ones included. */
  #busySlots = 0
  /** Whether `connected` was told since the last `start`, and whether it still holds. */
  #wasConnected = false
  #announced = false
  #idle: (() => void) | undefined
  /** What was asked for last: `start` or `stop`. */
  #wanted = false
  #stopping: Promise<void> | undefined

  /** @throws AtpError `unsupported`, `invalid_config` or `invalid_name` */
  constructor(options: ToolKitClientOptions) {
    super(options)
    if (options.protocol !== undefined && options.protocol !== 'ws') {
      throw new AtpError(
        'unsupported',
        `ToolKitClient protocol "${options.protocol}" is not available in this version; use "ws"`,
      )
    }
    checkApiKey(options.apiKey)
    checkWaitMs('drainTimeoutMs', options.drainTimeoutMs)
    checkConcurrency(options.maxConcurrency)
    checkLegacyFallback(options.legacyFallback)
    this.#options = options
    this.#logger = this.settings.logger
    const baseUrl = readBaseUrl(options.baseUrl ?? defaultBaseUrl)
    this.#url = `${baseUrl.ws}/ws/v2/toolkit`
    const connect = options.connect ?? connectWebSocket
    this.#connect = withLegacyFallback({
      mode: options.legacyFallback ?? true,
      connect,
      openLegacy: openLegacyToolkit({ baseUrl, connect, fetch: options.fetch ?? fetch }),
      logger: this.#logger,
    })
    this.#maxConcurrency = options.maxConcurrency ?? 64
    this.#events = new Emitter((event, error) => {
      this.#logger.error('listener.failed', { event, error: String(error) })
    })
    this.#registration = new ToolkitRegistration(this, this.#logger, options.backoff)
    this.#connection = new Connection({
      open: (signal, gone) => this.#open(signal, gone),
      onState: (state, { error, retryInMs }) => this.#onState(state, error, retryInMs),
      failFast: false,
      backoff: options.backoff ?? {},
      logger: this.#logger,
    })
    this.onChange(() => this.#registration.changed())
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** Returns an idempotent function that ends the listening. */
  on<E extends keyof ToolKitClientEvents>(event: E, listener: (payload: ToolKitClientEvents[E]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Connects and registers all tools, trying for ever; the process stays alive meanwhile.
   * @throws AtpError `unauthorized` or `forbidden` when the key is refused, `toolkit_name_conflict` when it stands for
   * another toolkit, `registration_rejected` when the server does not take a tool, `client_stopped` after `stop`.
   */
  async start(): Promise<void> {
    this.#wanted = true
    while (this.#stopping !== undefined) await this.#stopping
    if (!this.#wanted) throw new AtpError('client_stopped', 'The client was stopped')
    await this.#connection.start()
  }

  /**
   * Waits until the server knows the tools of this moment; tools may be added and removed after `start`.
   * @throws AtpError `client_stopped` when the client is not started, and what the registration failed with.
   */
  async whenRegistered(): Promise<void> {
    if (this.state === 'idle' || this.state === 'refused' || this.state === 'stopped') {
      throw new AtpError('client_stopped', `Toolkit "${this.appName}" is ${this.state}: start it to register its tools`)
    }
    await this.#connection.start()
    await this.#registration.settled()
  }

  /** Takes no new calls, waits for the running ones, closes. Idempotent. */
  stop(): Promise<void> {
    this.#wanted = false
    this.#stopping ??= this.#drainAndStop().finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }

  async #drainAndStop(): Promise<void> {
    const { session } = this.#connection
    if (session && this.#running.size > 0) {
      this.#connection.stopping()
      const drainMs = this.#options.drainTimeoutMs ?? 10_000
      session.send({ type: 'drain', deadlineMs: drainMs })
      let timer: ReturnType<typeof setTimeout> | undefined
      await new Promise<void>((resolve) => {
        this.#idle = resolve
        timer = setTimeout(resolve, drainMs)
      })
      clearTimeout(timer)
      this.#idle = undefined
    }
    for (const cancellation of this.#running) cancellation.cancel('The toolkit stops')
    this.#registration.stopped()
    this.#connection.stop()
  }

  async #open(signal: AbortSignal, gone: (code: number, reason: string) => void): Promise<Session> {
    let lost: AtpError | undefined
    let session: Session | undefined
    this.#instanceId ??= crypto.randomUUID()
    session = await openSession<ToToolkitFrame>({
      url: this.#url,
      apiKey: this.#options.apiKey,
      hello: {
        capabilities: [],
        instanceId: this.#instanceId,
        appName: this.appName,
        maxConcurrency: this.#maxConcurrency,
      },
      connect: this.#connect,
      decode: decodeToToolkit,
      onFrame: (frame) => session && this.#onFrame(session, frame),
      onClose: (code, reason) => {
        lost = lostError(code, reason)
        if (session) this.#registration.disconnected(session, lost)
        gone(code, reason)
      },
      onBadFrame: (error, requestId) => this.#onBadFrame(session, error, requestId),
      timeoutMs: connectTimeoutMs,
      signal,
    })
    try {
      // It may have ended, or the client may have been stopped, in the very turn that opened it.
      if (lost !== undefined) throw lost
      if (signal.aborted) throw new AtpError('client_stopped', 'The client was stopped')
      await this.#registration.register(session)
    } catch (error) {
      session.close(closeCodes.normal, 'not registered')
      throw error
    }
    return session
  }

  #onState(state: ConnectionState, error: AtpError | undefined, retryInMs: number | undefined): void {
    if (state === 'connecting') this.#wasConnected = false
    if (state === 'connected') {
      this.#wasConnected = true
      this.#announced = true
      this.#events.emit('connected', { toolkitId: this.#registration.toolkitId })
    }
    const ended = state === 'reconnecting' || state === 'refused' || state === 'stopped'
    if (ended && (this.#announced || (state === 'refused' && this.#wasConnected))) {
      this.#announced = false
      this.#events.emit('disconnected', { error })
    }
    if (state === 'reconnecting' && error) this.#events.emit('reconnecting', { error, retryInMs: retryInMs ?? 0 })
  }

  /** A call or an answer that cannot be read still ends what its sender or we wait for. */
  #onBadFrame(session: Session | undefined, error: AtpError, requestId: string | undefined): void {
    this.#logger.warn('frame.unreadable', { error: error.message })
    if (requestId === undefined) return
    const answer = new AtpError('protocol_error', `The server sent an answer that cannot be read: ${error.message}`)
    if (this.#registration.failed(requestId, answer)) return
    session?.send({ type: 'result', requestId, ok: false, error: toWireError(error) })
  }

  #onFrame(session: Session, frame: ToToolkitFrame): void {
    switch (frame.type) {
      case 'call':
        void this.#onCall(session, frame)
        return
      case 'cancel':
        this.#runById.get(frame.requestId)?.cancel(frame.reason)
        return
      case 'registered':
        this.#registration.answered(frame.requestId, frame)
        return
      case 'error':
        if (frame.requestId !== undefined) this.#registration.failed(frame.requestId, peerError(frame.error))
        else this.#logger.warn('server.error', { code: frame.error.code, error: frame.error.message })
        return
      case 'drain':
        // The server closes this socket soon and answers are taken until then: nothing to do but go on.
        this.#logger.info('server.draining', { deadlineMs: frame.deadlineMs })
        return
      case 'welcome':
        return
      default:
        frame satisfies never
    }
  }

  async #onCall(session: Session, frame: ToolkitCallFrame): Promise<void> {
    const { requestId, tool: toolName } = frame
    const tool = this.registeredTools.get(toolName)
    const refusal = this.#refusal(toolName, tool !== undefined)
    if (refusal || !tool) {
      session.send({ type: 'result', requestId, ok: false, error: toWireError(refusal) })
      return
    }
    const startedAt = Date.now()
    const cancellation = new Cancellation()
    this.#running.add(cancellation)
    this.#runById.set(requestId, cancellation)
    this.#busySlots += 1
    const outcome = await invokeTool(tool, frame.params, {
      callId: requestId,
      authToken: frame.authToken,
      timeoutMs: frame.deadlineMs,
      signal: cancellation,
      onHandlerEnd: () => {
        this.#busySlots -= 1
      },
      logger: this.#logger,
      env: this.#options.env,
      exposeErrors: this.settings.exposeErrors,
    })
    this.#running.delete(cancellation)
    if (this.#runById.get(requestId) === cancellation) this.#runById.delete(requestId)
    if (outcome.ok) session.sendText(encodeResult(requestId, outcome.json))
    else session.send({ type: 'result', requestId, ok: false, error: outcome.error })
    if (this.#events.has('call')) {
      const errorCode = outcome.ok ? undefined : outcome.error.code
      const durationMs = Date.now() - startedAt
      this.#events.emit('call', { callId: requestId, tool: toolName, ok: outcome.ok, errorCode, durationMs })
    }
    if (this.#running.size === 0) this.#idle?.()
  }

  #refusal(toolName: string, known: boolean): AtpError | undefined {
    if (!known) return new AtpError('tool_not_found', `Toolkit "${this.appName}" has no tool "${toolName}"`)
    if (this.#stopping !== undefined)
      return new AtpError('busy', `Toolkit "${this.appName}" is stopping; send the call again`)
    if (this.#busySlots < this.#maxConcurrency) return undefined
    return new AtpError(
      'busy',
      `Toolkit "${this.appName}" runs ${this.#maxConcurrency} calls already; send the call again later`,
    )
  }
}
