import { AtpError, isAtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { type BackoffOptions, backoffDelayMs, maxRetryAfterMs, retryAfterMs, sleep } from '../transport/backoff.ts'
import { conflictError, type Session } from './session.ts'

/**
 * Where a client's connection is. `moving`: the server closes it soon, so another one is being opened while the old one
 * still takes answers. `refused` and `stopped` are final until `start` is called again.
 */
export type ConnectionState =
  | 'idle'
  | 'connecting'
  | 'connected'
  | 'moving'
  | 'reconnecting'
  | 'refused'
  | 'stopping'
  | 'stopped'

/** What a {@link Connection} needs to know. */
export interface ConnectionOptions {
  /**
   * Opens a session and does what has to be done before it counts as connected; rejects soon when `signal` aborts.
   * @param gone to be called once when that session is lost, without delay; not when it is closed by `Session.close`.
   */
  open(signal: AbortSignal, gone: (code: number, reason: string) => void): Promise<Session>
  /** Called on every change. */
  onState(state: ConnectionState, reason: ConnectionReason): void
  /** Whether the very first failure ends the attempt instead of being tried again. */
  failFast: boolean
  backoff: BackoffOptions
  logger: Logger
}

/** What goes with a change of state. */
export interface ConnectionReason {
  error?: AtpError | undefined
  /** Milliseconds until the next attempt. */
  retryInMs?: number | undefined
}

/** A connection that held this long starts its backoff anew (rule T10). */
const steadyMs = 60_000

/** How long after its deadline a server that drains may still close a connection itself, in milliseconds. */
const leaveGraceMs = 5_000
/** Clients that are told to move spread over this long at most, in milliseconds. */
const maxMoveDelayMs = 1_000

/** Failures that trying again cannot mend: only a changed key or name can. */
const finalCodes = new Set(['unauthorized', 'forbidden', 'toolkit_name_conflict', 'registration_rejected'])
const finalCloseCodes = new Map<number, AtpError['code']>([
  [closeCodes.unauthorized, 'unauthorized'],
  [closeCodes.forbidden, 'forbidden'],
])

/**
 * Keeps one session open: connects, tries again for ever with full jitter, ends on a refused key. When the server
 * drains, it opens another session while the old one goes on to take answers.
 */
export class Connection {
  readonly #options: ConnectionOptions
  #state: ConnectionState = 'idle'
  #session: Session | undefined
  /** Sessions that the server closes soon, and what closes each from here when it does not. */
  readonly #leaving = new Map<Session, ReturnType<typeof setTimeout>>()
  /** When the next attempt begins, on the monotonic clock. */
  #nextAttemptAt = 0
  /** Made when connecting: some platforms allow none while a module loads. */
  #abort: AbortController | undefined
  readonly #waiters = new Set<PromiseWithResolvers<Session>>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The session for everything new; undefined while there is none. */
  get session(): Session | undefined {
    return this.#session
  }

  /**
   * Begins connecting, unless that is under way, and waits for the session.
   * @param patience ends the waiting with its reason; the attempts go on.
   * @throws AtpError what ended the attempts; `client_stopped` after `stop`.
   */
  start(patience?: AbortSignal): Promise<Session> {
    if (this.#session) return Promise.resolve(this.#session)
    const waiter = this.#wait(patience)
    if (this.#state === 'idle' || this.#state === 'refused' || this.#state === 'stopped') {
      const abort = new AbortController()
      this.#abort = abort
      this.#set('connecting', {})
      void this.#run(abort.signal)
    }
    return waiter
  }

  /** Says that no new work is taken and a lost session is not replaced; `stop` follows. */
  stopping(): void {
    if (this.#state !== 'stopped') this.#set('stopping', {})
  }

  /** Closes all sessions and ends all attempts. Idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return
    this.#abort?.abort()
    const session = this.#session
    this.#session = undefined
    session?.close(closeCodes.normal, 'client stopped')
    for (const left of this.#takeLeaving()) left.close(closeCodes.normal, 'client stopped')
    // Before the listeners hear of it: one that starts anew must not be told of this end.
    this.#settle((waiter) => waiter.reject(new AtpError('client_stopped', 'The client was stopped')))
    this.#set('stopped', {})
  }

  async #run(stopped: AbortSignal): Promise<void> {
    let attempt = 0
    let hadSession = false
    while (!stopped.aborted && !this.#isStopping) {
      const gone = Promise.withResolvers<AtpError>()
      let opened: Session | undefined
      let lost: AtpError | undefined
      let failure: AtpError
      try {
        const session = await this.#options.open(stopped, (code, reason) => {
          lost = lostError(code, reason)
          gone.resolve(lost)
          if (opened !== undefined) this.#gone(opened, lost)
        })
        opened = session
        if (stopped.aborted || this.#isStopping) return session.close(closeCodes.normal, 'client stopped')
        if (lost !== undefined) throw lost
        const since = performance.now()
        hadSession = true
        this.#session = session
        this.#settle((waiter) => waiter.resolve(session))
        this.#set('connected', {})
        const end = await Promise.race([gone.promise, session.draining])
        if (performance.now() - since >= steadyMs) attempt = 0
        if (typeof end === 'number') {
          if (stopped.aborted || this.#isStopping) return
          const { random = Math.random } = this.#options.backoff
          const spreadMs = random() * Math.min(maxMoveDelayMs, end / 4)
          // A server that drains every new connection must not be asked without a pause.
          const delayMs = attempt === 0 ? spreadMs : backoffDelayMs(attempt, this.#options.backoff)
          attempt += 1
          if (session.isOpen) this.#leave(session, end)
          else this.#set('reconnecting', { error: await gone.promise, retryInMs: delayMs })
          this.#nextAttemptAt = performance.now() + delayMs
          await sleep(delayMs, stopped)
          continue
        }
        failure = end
      } catch (error) {
        failure = isAtpError(error) ? error : new AtpError('connection_failed', String(error), { cause: error })
      }
      if (stopped.aborted || this.#isStopping) return
      if (finalCodes.has(failure.code) || (this.#options.failFast && !hadSession)) return this.#refuse(failure)
      const delayMs = backoffDelayMs(attempt, this.#options.backoff) + retryAfterMs(failure)
      attempt += 1
      this.#options.logger.warn('connection.retrying', { error: failure.message, retryInMs: Math.round(delayMs) })
      // While an old session takes answers nothing is lost yet.
      if (this.#state !== 'moving') this.#set('reconnecting', { error: failure, retryInMs: delayMs })
      this.#nextAttemptAt = performance.now() + delayMs
      await sleep(delayMs, stopped)
    }
  }

  get #isStopping(): boolean {
    return this.#state === 'stopping'
  }

  /** Lets the server close a session that is still good for answers. */
  #leave(session: Session, deadlineMs: number): void {
    this.#session = undefined
    const patienceMs = Math.min(deadlineMs, maxRetryAfterMs) + leaveGraceMs
    const timer = setTimeout(() => session.giveUp(closeCodes.normal, 'drained'), patienceMs)
    this.#leaving.set(session, timer)
    this.#set('moving', {})
  }

  /** At once: nobody may send into a session that is gone. An older one may end late, which is none of a newer one's business. */
  #gone(session: Session, error: AtpError): void {
    if (this.#session === session) this.#session = undefined
    clearTimeout(this.#leaving.get(session))
    if (!this.#leaving.delete(session) || this.#leaving.size > 0 || this.#state !== 'moving') return
    // Nothing took its place yet: what moved is lost now, and the attempts go on as they are.
    this.#set('reconnecting', { error, retryInMs: Math.max(0, this.#nextAttemptAt - performance.now()) })
  }

  #takeLeaving(): Session[] {
    const sessions = [...this.#leaving.keys()]
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    this.#leaving.clear()
    return sessions
  }

  #refuse(error: AtpError): void {
    this.#options.logger.error('connection.refused', { code: error.code, error: error.message })
    for (const left of this.#takeLeaving()) left.giveUp(closeCodes.normal, 'refused')
    this.#settle((waiter) => waiter.reject(error))
    this.#set(finalCodes.has(error.code) ? 'refused' : 'idle', { error })
  }

  #wait(patience: AbortSignal | undefined): Promise<Session> {
    const waiter = Promise.withResolvers<Session>()
    this.#waiters.add(waiter)
    const giveUp = (): void => {
      this.#waiters.delete(waiter)
      waiter.reject(patience?.reason)
    }
    patience?.addEventListener('abort', giveUp, { once: true })
    return waiter.promise
  }

  #settle(settle: (waiter: PromiseWithResolvers<Session>) => void): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) settle(waiter)
  }

  #set(state: ConnectionState, reason: ConnectionReason): void {
    this.#state = state
    this.#options.onState(state, reason)
  }
}

/** What a close code of the server means. */
export function lostError(code: number, reason: string): AtpError {
  const said = reason === '' ? `close code ${code}` : `${reason} (close code ${code})`
  if (code === closeCodes.conflict) return conflictError('The server closed the connection', said)
  return new AtpError(finalCloseCodes.get(code) ?? 'connection_closed', `The server closed the connection: ${said}`)
}
