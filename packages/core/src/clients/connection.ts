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
   * Opens a session and does what has to be done before it counts as connected.
   * @param gone to be called once when that session closes.
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
  #abort = new AbortController()
  #waiters: PromiseWithResolvers<Session>[] = []

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
   * @throws AtpError what ended the attempts; `client_stopped` after `stop`.
   */
  start(): Promise<Session> {
    if (this.#session) return Promise.resolve(this.#session)
    const waiter = this.#wait()
    if (this.#state === 'idle' || this.#state === 'refused' || this.#state === 'stopped') {
      this.#abort = new AbortController()
      this.#set('connecting', {})
      void this.#run(this.#abort.signal)
    }
    return waiter
  }

  /** Says that no new work is taken; `stop` follows. */
  stopping(): void {
    if (this.#state !== 'stopped') this.#set('stopping', {})
  }

  /** Closes the session and ends all attempts. Idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return
    this.#abort.abort()
    const session = this.#session
    this.#session = undefined
    session?.close(closeCodes.normal, 'client stopped')
    this.#set('stopped', {})
    this.#settle((waiter) => waiter.reject(new AtpError('client_stopped', 'The client was stopped')))
  }

  async #run(stopped: AbortSignal): Promise<void> {
    let attempt = 0
    let hadSession = false
    while (!stopped.aborted) {
      const gone = Promise.withResolvers<AtpError>()
      let failure: AtpError
      try {
        const session = await this.#options.open(stopped, (code, reason) => gone.resolve(lostError(code, reason)))
        if (stopped.aborted) return session.close(closeCodes.normal, 'client stopped')
        const since = Date.now()
        hadSession = true
        this.#session = session
        this.#set('connected', {})
        this.#settle((waiter) => waiter.resolve(session))
        failure = await gone.promise
        if (stopped.aborted) return
        this.#session = undefined
        if (Date.now() - since >= steadyMs) attempt = 0
      } catch (error) {
        failure = isAtpError(error) ? error : new AtpError('connection_failed', String(error), { cause: error })
      }
      if (stopped.aborted) return
      if (finalCodes.has(failure.code) || (this.#options.failFast && !hadSession)) return this.#refuse(failure)
      const told = failure.details?.retryAfterMs
      const delayMs = backoffDelayMs(attempt, this.#options.backoff) + (typeof told === 'number' ? told : 0)
      attempt += 1
      this.#options.logger.warn('connection.retrying', { error: failure.message, retryInMs: Math.round(delayMs) })
      this.#set('reconnecting', { error: failure, retryInMs: delayMs })
      await sleep(delayMs, stopped)
    }
  }

  #refuse(error: AtpError): void {
    this.#options.logger.error('connection.refused', { code: error.code, error: error.message })
    this.#set(finalCodes.has(error.code) ? 'refused' : 'idle', { error })
    this.#settle((waiter) => waiter.reject(error))
  }

  #wait(): Promise<Session> {
    const waiter = Promise.withResolvers<Session>()
    this.#waiters.push(waiter)
    return waiter.promise
  }

  #settle(settle: (waiter: PromiseWithResolvers<Session>) => void): void {
    const waiters = this.#waiters
    this.#waiters = []
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

function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, delayMs)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
