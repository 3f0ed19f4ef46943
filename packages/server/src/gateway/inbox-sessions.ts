import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import { decodeFromToolkit, encodeFrame, errorFrame, type FromToolkitFrame } from '@atp/core/protocol'
import type { InboxDelivery, LeaseAnswer, LeasedCall } from '../delivery/inbox.ts'
import { toolkitError } from '../delivery/toolkit-error.ts'
import { InboxPoller } from '../delivery/toolkit-inbox.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'
import { RateWindow } from './rate-window.ts'
import type { StaleTools } from './stale-tools.ts'
import { toolkitOfKey } from './toolkit-of-key.ts'
import {
  type RegistrationSocket,
  ToolkitRegistration,
  type ToolkitRegistrationOptions,
} from './toolkit-registration.ts'

/** What {@link InboxSessions} works with. */
export interface InboxSessionsOptions extends Omit<ToolkitRegistrationOptions, 'rate' | 'store'> {
  store: Store
  inbox: InboxDelivery
  staleTools: StaleTools
  logger: Logger
}

/** One process that polls, from its `hello` on. */
interface InboxSession {
  key: StoredKey
  toolkit: StoredToolkit
  poller: InboxPoller
  registration: ToolkitRegistration
  /** Frames that answer those of the request under way. */
  answers: string[]
  forget: ReturnType<typeof setTimeout> | undefined
}

type CallFrame = Extract<FromToolkitFrame, { type: 'ack' | 'progress' | 'chunk' | 'result' }>

/** The toolkit processes that speak protocol 2 over single requests. */
export class InboxSessions {
  readonly #options: InboxSessionsOptions
  readonly #sessions = new Map<string, InboxSession>()
  readonly #rate: RateWindow

  constructor(options: InboxSessionsOptions) {
    this.#options = options
    this.#rate = new RateWindow(options.limits.registrationsPerKeyPer10s, 10_000, {
      maxNames: Number.POSITIVE_INFINITY,
    })
  }

  /** Takes frames of a process, in their order, and answers them. @throws AtpError what refuses all of them */
  async take(key: StoredKey, instanceId: string, frames: readonly unknown[]): Promise<unknown[]> {
    const answers: string[] = []
    let session = this.#find(key, instanceId)
    for (const value of frames) {
      const text = JSON.stringify(value)
      const decoded = decodeFromToolkit(text)
      if (!decoded.ok) {
        answers.push(encodeFrame(errorFrame(decoded.error, decoded.requestId)))
        this.#failUnread(session, decoded.error, decoded.requestId)
        continue
      }
      const { frame } = decoded
      if (frame.type === 'hello') {
        session = await this.#greet(key, instanceId, frame.appName)
        answers.push(this.#welcome(session))
        continue
      }
      if (!session) throw unknownInstance()
      this.#touch(key, instanceId, session)
      const answer = await this.#onFrame(session, frame, text.length)
      if (answer !== undefined) answers.push(answer)
    }
    if (session) {
      await session.registration.settled()
      answers.push(...session.answers.splice(0))
    }
    return answers.map((text) => JSON.parse(text) as unknown)
  }

  /** Waits for calls and cancels of a process. @throws AtpError `gone` for a process that has not said hello */
  async poll(
    key: StoredKey,
    instanceId: string,
    how: { max: number; waitMs: number; signal: AbortSignal },
  ): Promise<unknown[]> {
    const session = this.#find(key, instanceId)
    if (!session) throw unknownInstance()
    this.#touch(key, instanceId, session)
    const { projectId } = session.toolkit
    const { calls, cancelled } = await this.#options.inbox.poll({ projectId, poller: session.poller, ...how })
    this.#touch(key, instanceId, session)
    return [
      ...cancelled.map(({ callId, reason }) => ({ type: 'cancel', request_id: callId, reason })),
      ...calls.map((leased) => JSON.parse(encodeCall(leased)) as unknown),
    ]
  }

  /** Forgets all processes. Idempotent. */
  stop(): void {
    for (const session of this.#sessions.values()) clearTimeout(session.forget)
    this.#sessions.clear()
  }

  #find(key: StoredKey, instanceId: string): InboxSession | undefined {
    return this.#sessions.get(`${key.id} ${instanceId}`)
  }

  async #greet(key: StoredKey, instanceId: string, appName: string | undefined): Promise<InboxSession> {
    const toolkit = await toolkitOfKey(this.#options.store, key, appName)
    const known = this.#find(key, instanceId)
    if (known) {
      known.toolkit = toolkit
      this.#touch(key, instanceId, known)
      return known
    }
    const ofKey = [...this.#sessions.values()].filter((each) => each.key.id === key.id).length
    const most = this.#options.limits.toolkitSocketsPerKey
    if (ofKey >= most) throw new AtpError('rate_limited', `${most} processes poll with this key already`)
    const poller = new InboxPoller({ toolkitId: toolkit.id, keyId: key.id })
    const answers: string[] = []
    const socket: RegistrationSocket = {
      gone: false,
      send: (text) => void answers.push(text),
      refuse: (error, requestId) => void answers.push(encodeFrame(errorFrame(error, requestId))),
    }
    const of = { toolkit, keyId: key.id }
    const registration = new ToolkitRegistration(poller, socket, of, { ...this.#options, rate: this.#rate })
    const session: InboxSession = { key, toolkit, poller, registration, answers, forget: undefined }
    this.#sessions.set(`${key.id} ${instanceId}`, session)
    this.#touch(key, instanceId, session)
    this.#options.logger.info('toolkit.connected', { toolkitId: toolkit.id, wire: 'inbox' })
    return session
  }

  /** A process that is not heard of for long enough is gone. */
  #touch(key: StoredKey, instanceId: string, session: InboxSession): void {
    clearTimeout(session.forget)
    this.#options.inbox.seen(session.poller)
    session.forget = setTimeout(() => {
      this.#sessions.delete(`${key.id} ${instanceId}`)
      this.#options.inbox.forget(session.poller)
      this.#options.staleTools.processLost(session.toolkit.projectId, session.toolkit.id)
      this.#options.logger.info('toolkit.disconnected', { toolkitId: session.toolkit.id, wire: 'inbox' })
    }, this.#options.limits.inboxOnlineMs).unref()
  }

  #welcome({ toolkit }: InboxSession): string {
    const { limits } = this.#options
    return encodeFrame({
      type: 'welcome',
      protocol: 2,
      capabilities: ['results', 'stream'],
      toolkitId: toolkit.id,
      toolkitHash: toolkit.hash ?? undefined,
      limits: {
        maxFrameBytes: limits.toolkitFrameBytes,
        maxResultBytes: limits.resultBytes,
        maxInFlight: limits.callsInFlightPerKey,
      },
      heartbeatMs: limits.heartbeatMs,
    })
  }

  async #onFrame(session: InboxSession, frame: FromToolkitFrame, frameChars: number): Promise<string | undefined> {
    switch (frame.type) {
      case 'register':
      case 'unregister':
        session.registration.take(frame, frameChars)
        return undefined
      case 'ack':
      case 'progress':
      case 'chunk':
      case 'result':
        return this.#onCallFrame(session, frame, frameChars)
      case 'running':
        // Its leases say the same.
        return undefined
      case 'drain':
        session.poller.tools = new Set()
        return undefined
      case 'error':
        if (frame.requestId !== undefined) this.#fail(session, frame.requestId, undefined, frame.error)
        return undefined
      case 'hello':
        return undefined
      default:
        return frame satisfies never
    }
  }

  async #onCallFrame(session: InboxSession, frame: CallFrame, frameChars: number): Promise<string | undefined> {
    const { requestId, leaseId } = frame
    try {
      if (frame.type === 'ack') {
        if (leaseId === undefined) return undefined
        const answer = await this.#options.inbox.ack(requestId, leaseId)
        return answer === 'ok' ? encodeFrame({ type: 'acked', requestId, leaseId }) : leaseLost(requestId)
      }
      if (frame.type === 'result') return await this.#onResult(session, frame, frameChars)
      const answer = this.#options.inbox.part(
        requestId,
        leaseId,
        frame.type === 'progress'
          ? { type: 'progress', progress: frame.progress }
          : { type: 'chunk', sequence: frame.sequence, data: frame.data },
      )
      return answer === 'lost' ? leaseLost(requestId) : undefined
    } catch (error) {
      logDefect(this.#options.logger, error)
      return encodeFrame(
        errorFrame(isAtpError(error) ? error : new AtpError('internal_error', 'Internal error'), requestId),
      )
    }
  }

  /** Acknowledged once it is written: until then the toolkit keeps it. */
  async #onResult(
    session: InboxSession,
    frame: Extract<CallFrame, { type: 'result' }>,
    frameChars: number,
  ): Promise<string> {
    const { requestId, leaseId } = frame
    const { inbox, limits } = this.#options
    const call = inbox.callOf(requestId)
    const written = call?.stored ? new Promise<void>((resolve) => call.onceWritten(resolve)) : undefined
    const cap = limits.resultBytes
    let answer: LeaseAnswer
    if (frame.ok && frameChars * 3 > cap && Buffer.byteLength(JSON.stringify(frame.result)) > cap) {
      const error = toWireError(new AtpError('result_too_large', `The result is larger than ${cap} bytes of JSON`))
      answer = inbox.result(session.toolkit.id, requestId, leaseId, { ok: false, error })
    } else {
      const result = frame.ok ? frame : { ok: false as const, error: toolkitError(frame.error) }
      answer = inbox.result(session.toolkit.id, requestId, leaseId, result)
    }
    if (answer === 'lost') return leaseLost(requestId)
    if (answer === 'ok') await written
    return encodeFrame({ type: 'received', requestIds: [requestId] })
  }

  /** A result that cannot be read still ends its call: the caller must not wait for the deadline. */
  #failUnread(session: InboxSession | undefined, error: AtpError, requestId: string | undefined): void {
    if (!session || requestId === undefined || !this.#options.inbox.callOf(requestId)) return
    const message = `Toolkit "${session.toolkit.appName}" sent an answer that cannot be read: ${error.message}`
    this.#fail(session, requestId, undefined, toWireError(new AtpError('invalid_result', message)))
  }

  #fail(
    session: InboxSession,
    requestId: string,
    leaseId: string | undefined,
    error: Parameters<typeof toolkitError>[0],
  ): void {
    this.#options.inbox.result(session.toolkit.id, requestId, leaseId, { ok: false, error: toolkitError(error) })
  }
}

function encodeCall({ call, request, leaseId, leaseMs }: LeasedCall): string {
  return encodeFrame({
    type: 'call',
    requestId: call.id,
    tool: call.tool.name,
    params: request.params,
    deadlineMs: Math.ceil(call.remainingMs),
    authToken: call.tool.auth === null ? undefined : request.authToken,
    stream: call.stream || undefined,
    leaseId,
    leaseMs,
    app: request.app,
    meta: request.meta,
  })
}

function leaseLost(requestId: string): string {
  return encodeFrame(errorFrame(new AtpError('lease_lost', 'The lease of this call has ended'), requestId))
}

function unknownInstance(): AtpError {
  return new AtpError('gone', 'This server does not know that instance_id: say hello and register first')
}
