import { AtpError, isAtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { type BackoffOptions, backoffDelayMs } from '../transport/backoff.ts'
import type { Session } from './session.ts'

/** Where a client's connection is. `refused` and `stopped` are final until `start` is called again. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'refused' | 'stopping' | 'stopped'

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

/** What a peer may ask for: also keeps the timer below the 25 days that `setTimeout` takes for one millisecond. */
const maxRetryAfterMs = 600_000

/** Failures that trying again cannot mend: only a changed key or name can. */
const finalCodes = new Set(['unauthorized', 'forbidden', 'toolkit_name_conflict', 'registration_rejected'])
const finalCloseCodes = new Map<number, AtpError['code']>([
  [closeCodes.unauthorized, 'unauthorized'],
  [closeCodes.forbidden, 'forbidden'],
  [closeCodes.conflict, 'toolkit_name_conflict'],
])

/** Keeps one session open: connects, tries again for ever with full jitter, and ends on a refused key. */
export class Connection {
  readonly #options: ConnectionOptions
  #state: ConnectionState = 'idle'
  #session: Session | undefined
  /** Made when connecting: some platforms allow none while a module loads. */
  #abort: AbortController | undefined
  readonly #waiters = new Set<PromiseWithResolvers<Session>>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The session of this moment; undefined while not connected. */
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

  /** Closes the session and ends all attempts. Idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return
    this.#abort?.abort()
    const session = this.#session
    this.#session = undefined
    session?.close(closeCodes.normal, 'client stopped')
    // Before the listeners hear of it: one that starts anew must not be told of this end.
    this.#settle((waiter) => waiter.reject(new AtpError('client_stopped', 'The client was stopped')))
    this.#set('stopped', {})
  }

  async #run(stopped: AbortSignal): Promise<void> {
    let attempt = 0
    let hadSession = false
    while (!stopped.aborted) {
      const gone = Promise.withResolvers<AtpError>()
      let opened: Session | undefined
      let lost: AtpError | undefined
      let failure: AtpError
      try {
        const session = await this.#options.open(stopped, (code, reason) => {
          lost = lostError(code, reason)
          // At once: nobody may send into a session that is gone.
          if (opened !== undefined && this.#session === opened) this.#session = undefined
          gone.resolve(lost)
        })
        opened = session
        if (stopped.aborted) return session.close(closeCodes.normal, 'client stopped')
        if (lost !== undefined) throw lost
        const since = performance.now()
        hadSession = true
        this.#session = session
        this.#settle((waiter) => waiter.resolve(session))
        this.#set('connected', {})
        failure = await gone.promise
        if (performance.now() - since >= steadyMs) attempt = 0
      } catch (error) {
        failure = isAtpError(error) ? error : new AtpError('connection_failed', String(error), { cause: error })
      }
      if (stopped.aborted || this.#state === 'stopping') return
      if (finalCodes.has(failure.code) || (this.#options.failFast && !hadSession)) return this.#refuse(failure)
      const delayMs = backoffDelayMs(attempt, this.#options.backoff) + retryAfterMs(failure)
      attempt += 1
      this.#options.logger.warn('connection.retrying', { error: failure.message, retryInMs: Math.round(delayMs) })
      this.#set('reconnecting', { error: failure, retryInMs: delayMs })
      await sleep(delayMs, stopped)
    }
  }

  #refuse(error: AtpError): void {
    this.#options.logger.error('connection.refused', { code: error.code, error: error.message })
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
  return new AtpError(finalCloseCodes.get(code) ?? 'connection_closed', `The server closed the connection: ${said}`)
}

/** How long the server wants to be left alone, in milliseconds. */
export function retryAfterMs({ details }: AtpError): number {
  const told = details?.retryAfterMs
  return typeof told === 'number' && told > 0 ? Math.min(told, maxRetryAfterMs) : 0
}

/** Resolves after `delayMs` milliseconds, or when `signal` aborts. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // A listener told of this delay may have stopped the client.
    if (signal.aborted) {
      resolve()
      return
    }
    const timer = setTimeout(done, delayMs)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
