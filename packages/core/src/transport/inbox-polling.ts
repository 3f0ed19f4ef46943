import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { isJsonObject } from '../protocol/json.ts'
import { type BackoffOptions, backoffDelayMs, retryAfterMs, sleep } from './backoff.ts'
import { FrameOutbox } from './frame-outbox.ts'
import type { Connect, Connected, ConnectOptions, Transport } from './transport.ts'

/** How many calls a toolkit that asks for them can take. */
export interface TransportSlots {
  /** How many may come now. */
  readonly free: number
  /** Calls the listener when `free` is above 0 again, or is 0 for another reason than calls; returns what ends that. */
  onChange(listener: () => void): () => void
}

/** One POST of JSON. */
export interface InboxPost {
  url: string
  apiKey: string
  body: string
  timeoutMs: number
  signal: AbortSignal
}

/** What {@link connectInboxPolling} needs. */
export interface InboxPollingOptions {
  /**
   * Posts JSON and reads the JSON that is answered.
   * @throws AtpError what the server says or its status means, with `details: { status, retryAfterMs? }`
   */
  post(request: InboxPost): Promise<unknown>
  slots: TransportSlots
  backoff?: BackoffOptions | undefined
}

/** How long a server may hold a poll, in milliseconds. */
const holdMs = 25_000
/** What an answer may take beyond that. */
const answerMs = 10_000
const maxCallsPerPoll = 32
/** The least time from one poll that brought nothing to the next: doubles from the first to the second, in milliseconds. */
const emptyPauseMs = 100
const maxEmptyPauseMs = 5_000
/** A server that cannot be reached for this long is lost: from then on the connection counts as such, in milliseconds. */
const unreachableMs = 30_000
/** How long a transport that is closed still tries to send what it has, in milliseconds. */
const flushMs = 5_000

/**
 * Opens a transport for toolkits over plain HTTP: `POST …/frames` takes the client's frames and answers with the
 * server's, `POST …/poll` is held until there are calls. Frames are sent in order and again until they arrive: the server
 * knows each of them by its ids. The first request carries hello and is answered with the welcome.
 */
export function connectInboxPolling(options: InboxPollingOptions): Connect {
  return async (connectOptions): Promise<Connected> => {
    const transport = new InboxPolling(connectOptions, options)
    await transport.open()
    return { transport, keySent: true, helloSent: true }
  }
}

class InboxPolling implements Transport {
  /** The server shows that it is there by its answers only. */
  readonly seesPings = false
  readonly #connect: ConnectOptions
  readonly #options: InboxPollingOptions
  readonly #instanceId: string
  readonly #outbox = new FrameOutbox()
  readonly #abort = new AbortController()
  readonly #stopListening: () => void
  #state: 'opening' | 'open' | 'closing' | 'closed' = 'opening'
  #isSending = false
  #isDraining = false
  /** The poll that is open. */
  #poll: { abort: AbortController; max: number } | undefined
  /** Since when nothing was answered, on the monotonic clock. */
  #failingSince: number | undefined
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  #closeReason: { code: number; reason: string } = { code: closeCodes.normal, reason: '' }

  constructor(connect: ConnectOptions, options: InboxPollingOptions) {
    this.#connect = connect
    this.#options = options
    const hello: unknown = JSON.parse(connect.hello ?? '{}')
    this.#instanceId = isJsonObject(hello) ? String(hello.instance_id) : ''
    this.#stopListening = options.slots.onChange(() => this.#onSlots())
  }

  get bufferedAmount(): number {
    return this.#outbox.length
  }

  /** Says hello; what the server answers is told in a turn of its own. */
  async open(): Promise<void> {
    const { hello = '', timeoutMs, signal } = this.#connect
    try {
      const answer = await this.#post('frames', `"frames":[${hello}]`, timeoutMs, signal)
      this.#state = 'open'
      queueMicrotask(() => this.#receive(answer))
    } catch (error) {
      this.#state = 'closed'
      this.#stopListening()
      throw error
    }
  }

  send(text: string): void {
    if (this.#state !== 'open') return
    this.#outbox.push(text)
    if (this.#isSending) return
    this.#isSending = true
    // All frames of one turn leave in one request.
    setTimeout(() => void this.#sendAll(), 0)
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#closeReason = { code, reason }
    this.#poll?.abort.abort()
    if (!this.#isSending) queueMicrotask(() => this.#end(code, reason))
    else this.#flushTimer = setTimeout(() => this.#end(code, reason), flushMs)
  }

  terminate(): void {
    if (this.#state === 'closed') return
    this.#state = 'closing'
    this.#abort.abort()
    queueMicrotask(() => this.#end(1006, ''))
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#outbox.take(); batch !== undefined; batch = this.#outbox.take()) {
      const answer = await this.#exchange('frames', `"frames":[${batch.join(',')}]`, answerMs, this.#abort.signal)
      if (answer === 'refused') {
        // One of them cannot be taken: the others must not be lost with it.
        if (!this.#outbox.split()) this.#outbox.done()
        continue
      }
      if (answer === undefined) return
      this.#outbox.done()
      this.#receive(answer)
    }
    this.#isSending = false
    if (this.#state === 'closing') this.#end(this.#closeReason.code, this.#closeReason.reason)
  }

  /** Polls until the transport ends, one poll at a time. */
  async #pollAll(): Promise<void> {
    let pauseMs = 0
    while (this.#state === 'open' && !this.#isDraining) {
      const max = Math.min(maxCallsPerPoll, this.#options.slots.free)
      const abort = new AbortController()
      this.#poll = { abort, max }
      const body = `"max":${max},"wait_ms":${holdMs}`
      const signal = AbortSignal.any([abort.signal, this.#abort.signal])
      const since = performance.now()
      const answer = await this.#exchange('poll', body, holdMs + answerMs, signal)
      if (answer === 'refused') return this.#end(closeCodes.protocolError, 'The server does not take polls')
      if (answer === undefined) continue
      this.#receive(answer)
      // A server that stops, and one whose polls another process takes over, holds none of them.
      pauseMs = answer.some(isForCalls) ? 0 : Math.min(maxEmptyPauseMs, Math.max(emptyPauseMs, pauseMs * 2))
      const restMs = pauseMs - (performance.now() - since)
      if (restMs > 0) await sleep(restMs, signal)
      else pauseMs = 0
    }
    this.#poll = undefined
  }

  /** A poll that asks for no calls while some may come, or the other way round, is asked anew. */
  #onSlots(): void {
    if (this.#poll && (this.#poll.max === 0) !== (this.#options.slots.free === 0)) this.#poll.abort.abort()
  }

  /**
   * Posts until the server answers. Undefined when the transport ended or `signal` aborted, `'refused'` when the server
   * does not take this very body.
   */
  async #exchange(
    path: 'frames' | 'poll',
    members: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<unknown[] | 'refused' | undefined> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const answer = await this.#post(path, members, timeoutMs, signal)
        this.#failingSince = undefined
        return answer
      } catch (error) {
        if (signal.aborted) return undefined
        const failure = isAtpError(error) ? error : new AtpError('connection_failed', String(error), { cause: error })
        const status = failure.details?.status
        if (status === 400 || status === 413) return 'refused'
        const now = performance.now()
        this.#failingSince ??= now
        const isLost = now - this.#failingSince >= unreachableMs
        if (isLost || !failure.retryable) return this.#end(closeCodeOf(failure), failure.message)
        await sleep(backoffDelayMs(attempt, this.#options.backoff) + retryAfterMs(failure), signal)
      }
    }
    return undefined
  }

  async #post(path: 'frames' | 'poll', members: string, timeoutMs: number, signal: AbortSignal): Promise<unknown[]> {
    const { url, apiKey } = this.#connect
    const body = `{"instance_id":${JSON.stringify(this.#instanceId)},${members}}`
    const answer = await this.#options.post({ url: `${url}/${path}`, apiKey, body, timeoutMs, signal })
    if (isJsonObject(answer) && Array.isArray(answer.frames)) return answer.frames
    throw new AtpError('protocol_error', `The answer of ${url}/${path} holds no frames`)
  }

  #receive(frames: unknown[]): void {
    for (const frame of frames) {
      if (this.#state === 'closed') return
      this.#connect.handlers.onActivity()
      this.#connect.handlers.onMessage(JSON.stringify(frame))
      if (!isJsonObject(frame)) continue
      // Before its tools are registered the server has nothing for this toolkit.
      if (frame.type === 'registered' && this.#poll === undefined) void this.#pollAll()
      // A server that closes soon has no more calls; what it is sent still arrives.
      if (frame.type === 'drain') {
        this.#isDraining = true
        this.#poll?.abort.abort()
      }
    }
  }

  #end(code: number, reason: string): undefined {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#flushTimer)
    this.#stopListening()
    this.#abort.abort()
    this.#connect.handlers.onClose(code, reason)
  }
}

/** Whether a frame is what a poll is for. */
function isForCalls(frame: unknown): boolean {
  return isJsonObject(frame) && (frame.type === 'call' || frame.type === 'cancel')
}

/** As a socket of such a server would be closed. */
function closeCodeOf({ code }: AtpError): number {
  if (code === 'unauthorized') return closeCodes.unauthorized
  if (code === 'forbidden') return closeCodes.forbidden
  return code === 'toolkit_name_conflict' ? closeCodes.conflict : 1006
}
