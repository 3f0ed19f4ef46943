import { Connection, type ConnectionOptions, type ConnectionState } from '../../src/clients/connection.ts'
import type { Session } from '../../src/clients/session.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { silentLogger } from '../../src/logging/logger.ts'
import { Mailbox } from '../transport/mailbox.ts'

/** A session that writes down what it was told. */
export interface FakeSession extends Session {
  readonly sent: string[]
  readonly closedWith: { code: number; reason: string }[]
  /** As if the server said that it closes this connection soon. */
  drain(deadlineMs: number): void
}

/** One attempt of a connection to open a session. */
export interface Attempt {
  readonly signal: AbortSignal
  /** What the connection is told when the session ends. */
  gone(code: number, reason: string): void
  succeed(): FakeSession
  fail(error: unknown): void
}

/** A change of state as the owner of a connection is told. */
export interface Change {
  state: ConnectionState
  code?: string
  retryInMs?: number
}

/** Makes a connection whose attempts end when the test says so, or when they are aborted. */
export function makeConnection(options: Partial<ConnectionOptions> = {}): {
  connection: Connection
  attempts: Mailbox<Attempt>
  changes: Change[]
  states: () => ConnectionState[]
} {
  const attempts = new Mailbox<Attempt>()
  const changes: Change[] = []
  const connection = new Connection({
    failFast: false,
    backoff: { random: () => 0.5 },
    logger: silentLogger,
    ...options,
    open: (signal, gone) => {
      const opening = Promise.withResolvers<Session>()
      signal.addEventListener('abort', () => opening.reject(new AtpError('client_stopped', 'given up')))
      attempts.push({
        signal,
        gone,
        succeed() {
          const session = fakeSession()
          opening.resolve(session)
          return session
        },
        fail: opening.reject,
      })
      return opening.promise
    },
    onState(state, reason) {
      const { error, retryInMs } = reason
      changes.push({ state, ...(error && { code: error.code }), ...(retryInMs !== undefined && { retryInMs }) })
      options.onState?.(state, reason)
    },
  })
  return { connection, attempts, changes, states: () => changes.map(({ state }) => state) }
}

/** Makes a session that is open. */
export function fakeSession(): FakeSession {
  const closedWith: FakeSession['closedWith'] = []
  const sent: string[] = []
  const draining = Promise.withResolvers<number>()
  return {
    closedWith,
    sent,
    isOpen: true,
    draining: draining.promise,
    drain: draining.resolve,
    bufferedAmount: 0,
    welcome: {
      type: 'welcome',
      protocol: 2,
      capabilities: [],
      limits: { maxFrameBytes: 1_048_576, maxResultBytes: 1_048_576, maxInFlight: 10 },
      heartbeatMs: 25_000,
    },
    send() {},
    sendText: (text) => sent.push(text),
    close: (code, reason) => closedWith.push({ code, reason }),
    giveUp: (code, reason) => closedWith.push({ code, reason }),
  }
}
