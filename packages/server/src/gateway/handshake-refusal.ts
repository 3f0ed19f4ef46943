import type { Duplex } from 'node:stream'
import { isAtpError, type Logger, toWireError } from '@atp/core'

/** What a {@link HandshakeRefusal} goes by. */
export interface HandshakeRefusalOptions {
  /** How long a refused peer waits for its answer, in milliseconds. */
  delayMs: number
  /** Refused peers that wait at once; more are answered without delay. */
  maxWaiting: number
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

  /** Answers and ends the connection. `error` may be anything that was thrown. */
  refuse(stream: Duplex, error: unknown): void {
    const { logger, delayMs, maxWaiting } = this.#options
    if (!isAtpError(error)) {
      logger.error('gateway.defect', { error: error instanceof Error ? error.stack : String(error) })
    }
    const isOwnFault = isAtpError(error) && error.status < 500
    if (!isOwnFault || delayMs === 0 || this.#waiting >= maxWaiting) {
      answer(stream, error)
      return
    }
    this.#waiting += 1
    const timer = setTimeout(() => stream.destroyed || answer(stream, error), delayMs)
    // A peer that does not wait for its answer gives its place to another one, which is answered as late.
    stream.once('close', () => {
      clearTimeout(timer)
      this.#waiting -= 1
    })
  }
}

function answer(stream: Duplex, error: unknown): void {
  const wire = toWireError(error)
  const status = isAtpError(error) ? error.status : 500
  const body = JSON.stringify({ error: wire.message, code: wire.code })
  const retryAfterMs = wire.details?.retryAfterMs
  const retry = typeof retryAfterMs === 'number' ? `Retry-After: ${Math.ceil(retryAfterMs / 1_000)}\r\n` : ''
  // Destroyed once written: a client that keeps its half open would hold the connection for ever.
  stream.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `${retry}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => stream.destroy(),
  )
}
