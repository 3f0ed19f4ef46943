import type { InvokeOutcome } from '../dispatch/invoke-tool.ts'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { decodeToToolkit } from '../protocol/codec.ts'
import type { ErrorFrame, ToolkitCallFrame, ToToolkitFrame } from '../protocol/frames.ts'
import { Toolkit } from '../registry/toolkit.ts'
import { sleep } from '../transport/backoff.ts'
import {
  checkApiKey,
  checkConcurrency,
  checkEndpointUrl,
  checkLegacyFallback,
  checkToolkitProtocol,
  checkWaitMs,
} from './check-options.ts'
import { Connection, type ConnectionState, lostError } from './connection.ts'
import { Emitter } from './emitter.ts'
import { openSession, peerError, type Session } from './session.ts'
import type { ToolKitClientEvents, ToolKitClientOptions } from './toolkit-client-options.ts'
import { ToolkitIdle } from './toolkit-idle.ts'
import { ToolkitRegistration } from './toolkit-registration.ts'
import { ToolkitRuns } from './toolkit-runs.ts'
import { type ToolkitWay, toolkitWay } from './toolkit-way.ts'

export type { ToolKitClientEvents, ToolKitClientOptions } from './toolkit-client-options.ts'

const connectTimeoutMs = 10_000
/** How often a client that stops looks whether its results have arrived, in milliseconds. */
const lookMs = 10

/** A toolkit that connects to a server and answers its calls. */
export class ToolKitClient extends Toolkit {
  readonly #options: ToolKitClientOptions
  readonly #logger: Logger
  readonly #way: ToolkitWay
  /** Made when connecting: some platforms have no randomness while a module loads. */
  #instanceId: string | undefined
  readonly #maxConcurrency: number
  readonly #connection: Connection
  readonly #registration: ToolkitRegistration
  readonly #events: Emitter<ToolKitClientEvents>
  readonly #runs: ToolkitRuns
  readonly #idle: ToolkitIdle
  /** Every session that is open and registered, also one that the server closes soon. */
  readonly #sessions = new Set<Session>()
  /** Whether `connected` was told since the last `start`, and whether it still holds. */
  #wasConnected = false
  #announced = false
  /** What was asked for last: `start` or `stop`. */
  #wanted = false
  #stopping: Promise<void> | undefined

  /** @throws AtpError `invalid_config` or `invalid_name` */
  constructor(options: ToolKitClientOptions) {
    super(options)
    checkApiKey(options.apiKey)
    checkToolkitProtocol(options.protocol)
    checkEndpointUrl(options.endpointUrl)
    checkWaitMs('drainTimeoutMs', options.drainTimeoutMs)
    checkWaitMs('idleTimeoutMs', options.idleTimeoutMs)
    checkConcurrency(options.maxConcurrency)
    checkLegacyFallback(options.legacyFallback)
    this.#options = options
    this.#logger = this.settings.logger
    this.#maxConcurrency = options.maxConcurrency ?? 64
    this.#events = new Emitter((event, error) => {
      this.#logger.error('listener.failed', { event, error: String(error) })
    })
    this.#runs = new ToolkitRuns({
      toolkit: this,
      maxConcurrency: this.#maxConcurrency,
      tracing: options.tracing,
      onActivity: () => this.#idle.touch(),
      onOutcome: (call, outcome, durationMs) => this.#onOutcome(call, outcome, durationMs),
    })
    this.#idle = new ToolkitIdle(
      options.idleTimeoutMs ?? 0,
      () => this.#runs.size > 0,
      () => this.#onIdle(),
    )
    this.#way = toolkitWay(options, this.#runs, this.#logger)
    this.#registration = new ToolkitRegistration(this, this.#logger, options)
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

  /** Takes no new calls, waits for the running ones and until their results have arrived, closes. Idempotent. */
  stop(): Promise<void> {
    this.#wanted = false
    this.#stopping ??= this.#drainAndStop().finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }

  async #drainAndStop(): Promise<void> {
    this.#idle.stop()
    this.#runs.isAccepting = false
    if (this.#sessions.size > 0 && (this.#runs.size > 0 || this.#owesResults)) {
      this.#connection.stopping()
      const drainMs = this.#options.drainTimeoutMs ?? 10_000
      for (const session of this.#sessions) session.send({ type: 'drain', deadlineMs: drainMs })
      const until = performance.now() + drainMs
      const done = new AbortController()
      await Promise.race([this.#runs.whenIdle(), sleep(drainMs, done.signal)])
      // Whoever ends the process after this must not lose what the last calls did.
      while (this.#owesResults && performance.now() < until) await sleep(lookMs, done.signal)
      done.abort()
    }
    this.#runs.stop('The toolkit stops')
    this.#registration.stopped()
    this.#connection.stop()
    this.#sessions.clear()
    this.#runs.isAccepting = true
  }

  /** Whether results are still on their way over a session that is open. */
  get #owesResults(): boolean {
    if (this.#sessions.size === 0) return false
    return this.#runs.results.size > 0 || [...this.#sessions].some(({ bufferedAmount }) => bufferedAmount > 0)
  }

  async #open(signal: AbortSignal, gone: (code: number, reason: string) => void): Promise<Session> {
    let lost: AtpError | undefined
    let session: Session | undefined
    this.#instanceId ??= crypto.randomUUID()
    session = await openSession<ToToolkitFrame>({
      ...this.#way,
      apiKey: this.#options.apiKey,
      hello: {
        capabilities: ['results'],
        instanceId: this.#instanceId,
        appName: this.appName,
        maxConcurrency: this.#maxConcurrency,
      },
      decode: decodeToToolkit,
      onFrame: (frame) => session && this.#onFrame(session, frame),
      onClose: (code, reason) => {
        lost = lostError(code, reason)
        if (session) this.#onGone(session, lost)
        gone(code, reason)
      },
      onBadFrame: (...frame) => this.#onBadFrame(session, ...frame),
      timeoutMs: connectTimeoutMs,
      signal,
    })
    try {
      // It may have ended, or the client may have been stopped, in the very turn that opened it.
      if (lost !== undefined) throw lost
      if (signal.aborted) throw new AtpError('client_stopped', 'The client was stopped')
      this.#runs.opened(session)
      await this.#registration.register(session)
      if (session.isOpen) this.#sessions.add(session)
    } catch (error) {
      session.close(closeCodes.normal, 'not registered')
      this.#onGone(session, isAtpError(error) ? error : new AtpError('connection_closed', 'Not registered'))
      throw error
    }
    return session
  }

  #onGone(session: Session, error: AtpError): void {
    this.#sessions.delete(session)
    this.#registration.disconnected(session, error)
    this.#runs.results.ended(session)
  }

  #onIdle(): void {
    this.#logger.info('toolkit.idle', { idleTimeoutMs: this.#options.idleTimeoutMs })
    this.#events.emit('idle', { idleTimeoutMs: this.#options.idleTimeoutMs ?? 0 })
    void this.stop()
  }

  #onState(state: ConnectionState, error: AtpError | undefined, retryInMs: number | undefined): void {
    if (state === 'connecting') this.#wasConnected = false
    // One that only moved was connected all the time.
    if (state === 'connected' && !this.#announced) {
      this.#wasConnected = true
      this.#announced = true
      this.#idle.start()
      this.#events.emit('connected', { toolkitId: this.#registration.toolkitId })
    }
    if (state === 'refused') this.#idle.stop()
    const ended = state === 'reconnecting' || state === 'refused' || state === 'stopped'
    if (ended && (this.#announced || (state === 'refused' && this.#wasConnected))) {
      this.#announced = false
      this.#events.emit('disconnected', { error })
    }
    if (state === 'reconnecting' && error) this.#events.emit('reconnecting', { error, retryInMs: retryInMs ?? 0 })
  }

  /** A call or an answer that cannot be read still ends what its sender or we wait for. */
  #onBadFrame(
    session: Session | undefined,
    error: AtpError,
    requestId: string | undefined,
    leaseId: string | undefined,
  ): void {
    this.#logger.warn('frame.unreadable', { error: error.message })
    if (session === undefined || requestId === undefined) return
    const answer = new AtpError('protocol_error', `The server sent an answer that cannot be read: ${error.message}`)
    if (this.#registration.failed(requestId, answer)) return
    this.#runs.refuse(session, { requestId, leaseId }, error)
  }

  #onFrame(session: Session, frame: ToToolkitFrame): void {
    switch (frame.type) {
      case 'call':
        this.#runs.take(session, frame)
        return
      case 'cancel':
        this.#runs.cancel(frame.requestId, frame.reason)
        return
      case 'acked':
        this.#runs.leases.acked(frame.requestId, frame.leaseId)
        return
      case 'received':
        this.#runs.results.received(frame.requestIds)
        return
      case 'registered':
        this.#registration.answered(frame.requestId, frame)
        return
      case 'error':
        this.#onError(frame)
        return
      case 'drain':
        // The connection moves by itself.
        this.#logger.info('server.draining', { deadlineMs: frame.deadlineMs })
        return
      case 'welcome':
        return
      default:
        frame satisfies never
    }
  }

  /** What the server refuses belongs to a registration, a lease, a result or to nothing. */
  #onError({ requestId, error }: ErrorFrame): void {
    if (requestId !== undefined) {
      const failure = peerError(error)
      const leaseId = error.details?.lease_id
      if (this.#registration.failed(requestId, failure) || this.#runs.leases.refused(requestId, failure, leaseId))
        return
      // Sent again, it would be refused again.
      if (!error.retryable) this.#runs.results.refused(requestId, leaseId)
    }
    this.#logger.warn('server.error', { callId: requestId, code: error.code, error: error.message })
  }

  #onOutcome({ requestId, tool }: ToolkitCallFrame, outcome: InvokeOutcome, durationMs: number): void {
    if (!this.#events.has('call')) return
    const errorCode = outcome.ok ? undefined : outcome.error.code
    this.#events.emit('call', { callId: requestId, tool, ok: outcome.ok, errorCode, durationMs })
  }
}
