import { AtpError, type ToolDescriptor, type WireError } from '@atp/core'
import type { CallStatus, StoredKey, StoredToolkit } from '../store/store.ts'

/** Where a call is: on its way, or at its one outcome. */
export type CallState = 'accepted' | 'dispatched' | 'acked' | CallStatus

/** How a call ended, for its caller. */
export type CallOutcome = { ok: true; result: unknown } | { ok: false; error: WireError }

/** What a call is made of. */
export interface CallInit {
  id: string
  key: StoredKey
  toolkit: StoredToolkit
  tool: ToolDescriptor
  params: Record<string, unknown>
  authToken: string | undefined
  /** How long it may take from now, in milliseconds. */
  timeoutMs: number
  /** The size of its request, in characters. */
  requestChars: number
  /** What the calls of its key keep; the call counts itself in, and out when it lets its request go. */
  load: { requestChars: number }
  meta: Record<string, unknown> | undefined
  onOutcome(outcome: CallOutcome, call: Call): void
}

/** One run of one tool: one id, one deadline, one outcome. */
export class Call {
  readonly id: string
  readonly key: StoredKey
  readonly toolkit: StoredToolkit
  readonly tool: ToolDescriptor
  params: Record<string, unknown>
  readonly authToken: string | undefined
  readonly timeoutMs: number
  meta: Record<string, unknown> | undefined
  /** Wall clock, for the log. */
  readonly startedAt: number = Date.now()
  readonly #onOutcome: CallInit['onOutcome']
  /** Monotonic, for the deadline: the wall clock may be set while a call runs. */
  readonly #start = performance.now()
  readonly #load: CallInit['load']
  #requestChars: number
  #state: CallState = 'accepted'
  #attempts = 0
  #sent = false
  /** Whether an earlier attempt was sent. */
  #mayHaveRun = false

  constructor(init: CallInit) {
    this.id = init.id
    this.key = init.key
    this.toolkit = init.toolkit
    this.tool = init.tool
    this.params = init.params
    this.authToken = init.authToken
    this.timeoutMs = init.timeoutMs
    this.meta = init.meta
    this.#onOutcome = init.onOutcome
    this.#load = init.load
    this.#requestChars = init.requestChars
    this.#load.requestChars += init.requestChars
  }

  get state(): CallState {
    return this.#state
  }

  get ended(): boolean {
    return this.#state !== 'accepted' && this.#state !== 'dispatched' && this.#state !== 'acked'
  }

  /** Milliseconds since the call was accepted. */
  get elapsedMs(): number {
    return performance.now() - this.#start
  }

  /** Milliseconds until the deadline, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.timeoutMs - this.elapsedMs)
  }

  /** How often it was sent. */
  get attempts(): number {
    return this.#attempts
  }

  /** Whether a toolkit may have got it, so that nobody knows whether it ran once its connection is lost. */
  get sent(): boolean {
    return this.#sent
  }

  /** The request is on its way to a toolkit. */
  dispatched(): void {
    if (this.#state === 'accepted') this.#state = 'dispatched'
    this.#attempts += 1
    this.#mayHaveRun = this.#sent
    this.#sent = true
  }

  /** The request left. Only an idempotent tool's is kept, which may be sent again. */
  written(): void {
    if (!this.tool.annotations.idempotent) this.release()
  }

  /** The request did not leave: this attempt does not count. */
  notWritten(): void {
    this.#attempts -= 1
    this.#sent = this.#mayHaveRun
  }

  /** Lets go of what was sent and is not needed again. */
  release(): void {
    this.params = {}
    this.meta = undefined
    this.#unload()
  }

  /** A toolkit said that it will answer. */
  acked(): void {
    if (this.#state === 'dispatched') this.#state = 'acked'
  }

  /** The tool's result. Returns false when the call has its outcome already: the first one wins (rule D6). */
  succeed(result: unknown): boolean {
    return this.#end('succeeded', { ok: true, result })
  }

  /** What went wrong instead. Returns false when the call has its outcome already. */
  fail(error: WireError, status: CallStatus = statusOf(error)): boolean {
    return this.#end(status, { ok: false, error })
  }

  #unload(): void {
    this.#load.requestChars -= this.#requestChars
    this.#requestChars = 0
  }

  #end(status: CallStatus, outcome: CallOutcome): boolean {
    if (this.ended) return false
    this.#state = status
    this.#unload()
    this.#onOutcome(outcome, this)
    return true
  }
}

/** Which outcome an error stands for. */
export function statusOf(error: { code: WireError['code'] }): CallStatus {
  switch (error.code) {
    case 'deadline_exceeded':
      return 'timed_out'
    case 'cancelled':
      return 'cancelled'
    case 'toolkit_disconnected':
      return 'outcome_unknown'
    case 'toolkit_offline':
    case 'busy':
    case 'server_shutting_down':
      return 'delivery_failed'
    default:
      return 'failed'
  }
}

/** What a call ends with when its toolkit went away while it ran. */
export function disconnectedError(call: Call): AtpError {
  return new AtpError(
    'toolkit_disconnected',
    `Toolkit "${call.toolkit.appName}" disconnected while "${call.tool.name}" ran; whether it finished is unknown`,
  )
}
