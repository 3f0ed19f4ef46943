import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { AtpError, isAtpError, type Logger } from '@atp/core'
import { logDefect } from '../logging/log-defect.ts'
import { errorAnswer } from './error-answer.ts'
import { endWithAnswer } from './raw-answer.ts'

/** What a {@link HandshakeRefusal} goes by. */
export interface HandshakeRefusalOptions {
  /** How long a refused peer waits for its answer, in milliseconds. */
  delayMs: number
  /** Refused peers that wait at once; more are answered without delay. */
  maxWaiting: number
  /** Names each refusal, for the peer and for the log. */
  newId: () => string
  logger: Logger
}

/**
 * Answers refused handshakes like any HTTP request. The Python SDK connects again at once whatever it was refused for,
 * over a thousand times a second; so a refusal that is the peer's own doing comes late, and each such peer tries about
 * once a second. A refusal that is ours, such as a restart, comes at once.
 */
export class HandshakeRefusal {
  readonly #options: HandshakeRefusalOptions
  #waiting = 0

  constructor(options: HandshakeRefusalOptions) {
    this.#options = options
  }

  /** Answers and ends the connection. `reason` may be anything that was thrown. */
  refuse({ url }: Pick<IncomingMessage, 'url'>, stream: Duplex, reason: unknown): void {
    const { newId, logger, delayMs, maxWaiting } = this.#options
    const id = newId()
    const error = isAtpError(reason) ? reason : new AtpError('internal_error', 'Internal error')
    logDefect(logger, reason, { requestId: id })
    // Never the address: older clients put keys into it (rule L1).
    logger.debug('socket.refused', { requestId: id, code: error.code })
    const answer = (): void => endWithAnswer(stream, errorAnswer(error, { id, url }))
    const isOwnFault = error.status < 500
    if (!isOwnFault || delayMs === 0 || this.#waiting >= maxWaiting) {
      answer()
      return
    }
    this.#waiting += 1
    const timer = setTimeout(answer, delayMs)
    // A peer that does not wait for its answer gives its place to another one, which is answered as late.
    stream.once('close', () => {
      clearTimeout(timer)
      this.#waiting -= 1
    })
  }
}
