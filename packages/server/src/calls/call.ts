import { AtpError, type ToolDescriptor, type WireError } from '@atp/core'
import type { AppEvent } from '@atp/core/protocol'
import type { CallStatus, StoredKey, StoredToolkit } from '../store/store.ts'
import type { ServedSpan } from '../tracing/call-tracing.ts'

/** Where a call is: on its way, or at its one outcome. */
export type CallState = 'accepted' | 'dispatched' | 'acked' | CallStatus

/** How a call reaches its toolkit. */
export type DeliveryKind = 'socket' | 'inbox' | 'endpoint'

/** What a caller that asked for it hears of a call before its outcome. */
export type CallPart = { type: 'progress'; progress: unknown } | { type: 'chunk'; sequence: number; data: unknown }

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
  /** How long it may take, in milliseconds. */
  timeoutMs: number
  /** How much of that is left. @default all of it */
  leftMs?: number | undefined
  /** The size of its request, in characters. */
  requestChars: number
  /** What the calls of its key keep; the call counts itself in, and out when it lets its request go. */
  load: { requestChars: number }
  meta: Record<string, unknown> | undefined
  app: AppEvent | undefined
  /** Whether it outlives its caller and this server: it is stored before it is accepted. @default false */
  survives?: boolean | undefined
  /** When it was accepted, if that was not now; milliseconds since 1970. */
  startedAt?: number | undefined
  /** As `Call.meantFor`. */
  meantFor?: string | undefined
  onOutcome(outcome: CallOutcome, call: Call): void
  /** Whoever wants progress and chunks. */
  onPart?: ((part: CallPart, call: Call) => void) | undefined
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
  readonly app: AppEvent | undefined
  readonly survives: boolean
  /** Wall clock, for the log. */
  readonly startedAt: number
  /** Who has it; set by whoever hands it over. */
  delivery: DeliveryKind = 'socket'
  /** Whether it has a row: its outcome is written before anybody hears of it. */
  stored = false
  /** The process that was to get it when it was stored; another one may have got it since. Set by its delivery. */
  meantFor: string | undefined
  /** The data key of its row; set by whoever stores it. */
  dataKeyId = ''
  /** Ends it when its time is over; set by whoever started it. */
  deadline: ReturnType<typeof setTimeout> | undefined
  /** Its span, where calls are traced; set by whoever started it. */
  span: ServedSpan | undefined
  readonly #onOutcome: CallInit['onOutcome']
  readonly #onPart: CallInit['onPart']
  /** Monotonic, for the deadline: the wall clock may be set while a call runs. */
  readonly #start: number
  readonly #load: CallInit['load']
  #onWritten: (() => void)[] = []
  #written = false
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
    this.#start = performance.now() - (init.timeoutMs - (init.leftMs ?? init.timeoutMs))
    this.meta = init.meta
    this.app = init.app
    this.survives = init.survives ?? false
    this.startedAt = init.startedAt ?? Date.now()
    this.meantFor = init.meantFor
    this.#onPart = init.onPart
    this.#onOutcome = init.onOutcome
    this.#load = init.load
    this.#requestChars = init.requestChars
    this.#load.requestChars += init.requestChars
  }

  /** Whether its caller wants to hear of progress and chunks. */
  get stream(): boolean {
    return this.#onPart !== undefined
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

  /** Whether it may have run before its last attempt, so that a refusal of that says nothing of the call. */
  get mayHaveRun(): boolean {
    return this.#mayHaveRun
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

  /** Passes on what its caller wants to hear; nothing happens once it has its outcome. */
  part(part: CallPart): void {
    if (!this.ended) this.#onPart?.(part, this)
  }

  /** Calls back once the outcome of a stored call is written, at once if it is, and never if this server ends first. */
  onceWritten(listener: () => void): void {
    if (this.#written) listener()
    else this.#onWritten.push(listener)
  }

  /** Its outcome is written, or there is nothing to write it to. Called once. */
  outcomeWritten(): void {
    this.#written = true
    for (const listener of this.#onWritten.splice(0)) listener()
  }

  /** It was never accepted: lets go of everything, and nobody hears of an outcome. */
  discard(): void {
    if (this.ended) return
    this.#state = 'cancelled'
    this.release()
  }

  /** The tool's result. Returns false when the call has its outcome already: the first one wins (rule D6). */
  succeed(result: unknown): boolean {
    return this.#end('succeeded', { ok: true, result })
  }

  /** What went wrong instead. Returns false when the call has its outcome already. */
  fail(error: WireError): boolean {
    return this.#end(statusOf(error), { ok: false, error })
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
    case 'outcome_unknown':
      return 'outcome_unknown'
    case 'toolkit_offline':
    case 'delivery_failed':
    case 'queue_full':
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
