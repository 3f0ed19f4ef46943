import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import { decodeFromToolkit, encodeFrame, errorFrame, type FromToolkitFrame } from '@atp/core/protocol'
import type { LeaseHolder } from '../delivery/held-calls.ts'
import type { InboxDelivery } from '../delivery/inbox.ts'
import type { LeasedCall } from '../delivery/poll-request.ts'
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
  name: string
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
  #drainMs: number | undefined

  constructor(options: InboxSessionsOptions) {
    this.#options = options
    this.#rate = new RateWindow(options.limits.registrationsPerKeyPer10s, 10_000, {
      maxNames: Number.POSITIVE_INFINITY,
    })
  }

  /** Takes frames of a process, in their order, and answers them. @throws AtpError what refuses all of them */
  async take(key: StoredKey, instanceId: string, frames: readonly unknown[]): Promise<unknown[]> {
    // In the order of the frames; what waits for the store waits together, so that it is written together.
    const answers: (string | undefined | Promise<string | undefined>)[] = []
    let session = this.#find(key, instanceId)
    let registers = false
    for (const value of frames) {
      const text = JSON.stringify(value)
      const decoded = decodeFromToolkit(text)
      if (!decoded.ok) {
        answers.push(encodeFrame(errorFrame(decoded.error, decoded.requestId)))
        if (session) this.#failUnread(session, decoded.error, decoded.requestId)
        continue
      }
      const { frame } = decoded
      if (frame.type === 'hello') {
        session = await this.#greet(key, instanceId, frame.appName)
        answers.push(this.#welcome(session))
        continue
      }
      if (!session) throw unknownInstance()
      this.#touch(session)
      registers ||= frame.type === 'register' || frame.type === 'unregister'
      answers.push(this.#onFrame(session, frame, text.length))
    }
    const settled = await Promise.all(answers)
    if (session) {
      // A lease must not wait for a registration that another request brought.
      if (registers) await session.registration.settled()
      settled.push(...session.answers.splice(0))
    }
    return settled.filter((text) => text !== undefined).map((text) => JSON.parse(text) as unknown)
  }

  /**
   * Waits for calls and cancels of a process; a server that stops answers that it drains.
   * @throws AtpError `gone` for a process that has not said hello
   */
  async poll(
    key: StoredKey,
    instanceId: string,
    how: { max: number; waitMs: number; signal: AbortSignal },
  ): Promise<unknown[]> {
    const session = this.#find(key, instanceId)
    if (!session) throw unknownInstance()
    this.#touch(session)
    const { projectId } = session.toolkit
    const { calls, cancelled } = await this.#options.inbox.poll({ projectId, poller: session.poller, ...how })
    this.#touch(session)
    return [
      ...(this.#drainMs === undefined ? [] : [{ type: 'drain', deadline_ms: this.#drainMs }]),
      ...cancelled.map(({ callId, reason }) => ({ type: 'cancel', request_id: callId, reason })),
      ...calls.map((leased) => JSON.parse(encodeCall(leased)) as unknown),
    ]
  }

  /** Tells each process with its next poll that the server is about to end. */
  drain(deadlineMs: number): void {
    this.#drainMs = deadlineMs
  }

  /** Ends all polls of a key that is revoked, also those of older clients, and forgets its processes (rule K5). */
  closeKey(keyId: string): void {
    this.#options.inbox.closeKey(keyId)
    for (const session of this.#sessions.values()) if (session.key.id === keyId) this.#forget(session)
  }

  /** Forgets all processes. Idempotent. */
  stop(): void {
    for (const session of this.#sessions.values()) clearTimeout(session.forget)
    this.#sessions.clear()
  }

  #find(key: StoredKey, instanceId: string): InboxSession | undefined {
    return this.#sessions.get(nameOf(key, instanceId))
  }

  async #greet(key: StoredKey, instanceId: string, appName: string | undefined): Promise<InboxSession> {
    const toolkit = await toolkitOfKey(this.#options.store, key, appName)
    const known = this.#find(key, instanceId)
    if (known) {
      known.toolkit = toolkit
      this.#touch(known)
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
    const name = nameOf(key, instanceId)
    const session: InboxSession = { name, key, toolkit, poller, registration, answers, forget: undefined }
    this.#sessions.set(name, session)
    this.#touch(session)
    this.#options.logger.info('toolkit.connected', { toolkitId: toolkit.id, wire: 'inbox' })
    return session
  }

  /** A process that is not heard of for long enough is gone. */
  #touch(session: InboxSession): void {
    // Its key may have been revoked while it polled.
    if (this.#sessions.get(session.name) !== session) return
    clearTimeout(session.forget)
    this.#options.inbox.seen(session.poller)
    session.forget = setTimeout(() => this.#forget(session), this.#options.limits.inboxOnlineMs).unref()
  }

  #forget(session: InboxSession): void {
    const { name, poller, toolkit } = session
    clearTimeout(session.forget)
    this.#sessions.delete(name)
    this.#options.inbox.forget(poller)
    this.#options.staleTools.processLost(toolkit.projectId, toolkit.id)
    this.#options.logger.info('toolkit.disconnected', { toolkitId: toolkit.id, wire: 'inbox' })
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

  /** Does at once what does not wait for the store. */
  #onFrame(
    session: InboxSession,
    frame: FromToolkitFrame,
    frameChars: number,
  ): string | undefined | Promise<string | undefined> {
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
        // Nobody may take these for all that was registered under that hash.
        session.poller.toolsHash = undefined
        return undefined
      case 'error':
        if (frame.requestId !== undefined) this.#fail(session, frame.requestId, frame.error)
        return undefined
      case 'hello':
        return undefined
      default:
        return frame satisfies never
    }
  }

  async #onCallFrame(session: InboxSession, frame: CallFrame, frameChars: number): Promise<string | undefined> {
    const { requestId, leaseId } = frame
    const holder = holderOf(session, leaseId)
    try {
      if (frame.type === 'ack') {
        if (leaseId === undefined) return undefined
        const answer = await this.#options.inbox.ack(requestId, { ...holder, leaseId })
        return answer === 'ok' ? encodeFrame({ type: 'acked', requestId, leaseId }) : leaseLost(frame)
      }
      if (frame.type === 'result') return await this.#onResult(holder, frame, frameChars)
      const answer = this.#options.inbox.part(
        requestId,
        holder,
        frame.type === 'progress'
          ? { type: 'progress', progress: frame.progress }
          : { type: 'chunk', sequence: frame.sequence, data: frame.data },
      )
      return answer === 'lost' ? leaseLost(frame) : undefined
    } catch (error) {
      logDefect(this.#options.logger, error)
      return encodeFrame(
        errorFrame(isAtpError(error) ? error : new AtpError('internal_error', 'Internal error'), requestId),
      )
    }
  }

  /** Acknowledged once it is written, also when it came twice: until then the toolkit keeps it. */
  async #onResult(
    holder: LeaseHolder,
    frame: Extract<CallFrame, { type: 'result' }>,
    frameChars: number,
  ): Promise<string> {
    const { requestId } = frame
    const { inbox, limits } = this.#options
    const cap = limits.resultBytes
    const tooLarge = frame.ok && frameChars * 3 > cap && Buffer.byteLength(JSON.stringify(frame.result)) > cap
    const error = new AtpError('result_too_large', `The result is larger than ${cap} bytes of JSON`)
    const result = frame.ok ? frame : { ok: false as const, error: toolkitError(frame.error) }
    const answer = inbox.result(requestId, holder, tooLarge ? { ok: false, error: toWireError(error) } : result)
    if (answer === 'lost') return leaseLost(frame)
    await inbox.written(holder.toolkitId, requestId)
    return encodeFrame({ type: 'received', requestIds: [requestId] })
  }

  /** A result that cannot be read still ends its call: the caller must not wait for the deadline. */
  #failUnread(session: InboxSession, error: AtpError, requestId: string | undefined): void {
    if (requestId === undefined) return
    const message = `Toolkit "${session.toolkit.appName}" sent an answer that cannot be read: ${error.message}`
    this.#fail(session, requestId, toWireError(new AtpError('invalid_result', message)))
  }

  /** Of what it says without a lease, a process can only mean the call that it was given. */
  #fail(session: InboxSession, requestId: string, error: Parameters<typeof toolkitError>[0]): void {
    this.#options.inbox.result(requestId, holderOf(session), { ok: false, error: toolkitError(error) })
  }
}

function nameOf(key: StoredKey, instanceId: string): string {
  return `${key.id} ${instanceId}`
}

function holderOf({ toolkit, poller }: InboxSession, leaseId?: string): LeaseHolder {
  return { toolkitId: toolkit.id, leaseId, poller }
}

function encodeCall({ call, request, leaseId, leaseMs }: LeasedCall): string {
  return encodeFrame({
    type: 'call',
    requestId: call.id,
    tool: call.tool.name,
    params: request.params,
    deadlineMs: Math.ceil(call.remainingMs),
    authToken: request.authToken,
    stream: call.stream || undefined,
    leaseId,
    leaseMs,
    app: request.app,
    meta: request.meta,
  })
}

/** Names the lease: the process may hold another one of the same call by now. */
function leaseLost({ requestId, leaseId }: CallFrame): string {
  const details = leaseId === undefined ? {} : { details: { lease_id: leaseId } }
  return encodeFrame(errorFrame(new AtpError('lease_lost', 'The lease of this call has ended', details), requestId))
}

function unknownInstance(): AtpError {
  return new AtpError('gone', 'This server does not know that instance_id: say hello and register first')
}
