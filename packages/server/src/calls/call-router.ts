import { setTimeout as wait } from 'node:timers/promises'
import { AtpError, type ToolDescriptor, toWireError } from '@atp/core'
import { checkCall, effectiveTimeoutMs } from '@atp/core/protocol'
import type { DeliveryChain } from '../delivery/delivery-chain.ts'
import type { IdempotencyClaim } from '../store/durable-store.ts'
import type { CallTracing } from '../tracing/call-tracing.ts'
import { Call, type CallOutcome } from './call.ts'
import type { CallLog } from './call-log.ts'
import { type CallListener, type CallRequest, mustBeStored, toolkitNotFound, untilAccepted } from './call-request.ts'
import { EndedListeners } from './ended-listeners.ts'
import { claimOf } from './idempotency.ts'
import { type KeyLoad, type KeyLoadLimits, KeyLoads } from './key-loads.ts'
import { Replays } from './replays.ts'
import type { RestoredCall } from './restored-call.ts'
import type { StoredAnswer, StoredCalls } from './stored-calls.ts'
import type { ToolNames } from './tool-names.ts'
import type { DirectoryEntry, ToolkitDirectory } from './toolkit-directory.ts'

/** What a router is made of. */
export interface CallRouterOptions {
  directory: ToolkitDirectory
  toolNames: ToolNames
  deliveries: DeliveryChain
  stored: StoredCalls
  log: CallLog
  newId: () => string
  limits: KeyLoadLimits
  /** Makes spans of calls. @default none */
  tracing?: CallTracing | undefined
}

/** How long a server that stops waits for outcomes to be written, in milliseconds. */
const writingMs = 2_000

/** Where a call came from, once its toolkit is known. */
interface Target {
  entry: DirectoryEntry
  tool: ToolDescriptor
  params: Record<string, unknown>
}

/** Brings accepted calls to their delivery and sees that each gets exactly one outcome. */
export class CallRouter {
  readonly #options: CallRouterOptions
  readonly #loads: KeyLoads
  readonly #replays: Replays
  readonly #calls = new Map<string, Call>()
  readonly #endedListeners = new EndedListeners()
  /** Outcomes that are being written. */
  readonly #writing = new Set<Promise<void>>()
  #draining = false
  #idle: (() => void) | undefined

  constructor(options: CallRouterOptions) {
    this.#options = options
    this.#loads = new KeyLoads(options.limits)
    this.#replays = new Replays(options.stored, (callId) => this.#calls.has(callId))
  }

  /** How many calls are under way. */
  get inFlight(): number {
    return this.#calls.size
  }

  /** A call that is under way. */
  find(callId: string): Call | undefined {
    return this.#calls.get(callId)
  }

  /**
   * Starts a call whose toolkit is in memory and that need not be stored; undefined when it has to wait for the store
   * (`startLater`).
   * @throws AtpError what refuses the call before it is accepted
   */
  start(request: CallRequest, listener: CallListener): Call | undefined {
    if (mustBeStored(request)) return undefined
    const entry = this.#options.directory.peek(request.key.projectId, request.toolkitId)
    if (!entry) return undefined
    const target = this.#targetOf(entry, request)
    const load = this.#loads.enter(request.key.id, request.requestChars)
    const call = this.#create(target, request, load, listener)
    listener.onStarted?.(call.id)
    this.#dispatch(call)
    return call
  }

  /**
   * The same for any call. Undefined for one that is not under way when this resolves: it was answered from what is
   * stored.
   * @throws AtpError
   */
  async startLater(request: CallRequest, listener: CallListener): Promise<Call | undefined> {
    // Counted while it waits for the store: else any number of requests could wait in memory.
    const load = this.#loads.enter(request.key.id, request.requestChars)
    load.requestChars += request.requestChars
    let target: Target
    try {
      const entry = await this.#options.directory.resolve(request.key.projectId, request.toolkitId)
      if (!entry) throw toolkitNotFound(request.toolkitId)
      target = this.#targetOf(entry, request)
    } catch (error) {
      this.#loads.leave(request.key.id, load)
      throw error
    } finally {
      load.requestChars -= request.requestChars
    }
    if (!mustBeStored(request)) {
      const call = this.#create(target, request, load, listener)
      listener.onStarted?.(call.id)
      this.#dispatch(call)
      return call
    }
    const heard = request.detach ? untilAccepted(listener) : listener
    return this.#store(this.#create(target, request, load, heard), request, load, heard)
  }

  /**
   * Takes over a call of an earlier server: `dispatch` hands it to whoever had it. It has no caller any more.
   * @param dispatch why it cannot be handed over, if so
   */
  restore(init: { call: RestoredCall; dispatch: (call: Call) => AtpError | undefined }): void {
    const { key, dataKeyId, ...rest } = init.call
    const load = this.#loads.add(key.id)
    const listener: CallListener = { onOutcome: () => {} }
    const call = this.#track({ ...rest, key, authToken: rest.authToken, requestChars: 0 }, load, listener)
    call.stored = true
    call.dataKeyId = dataKeyId
    this.#hand(call, init.dispatch(call))
  }

  /** Ends a call for its caller and tells the toolkit; nothing happens when it has its outcome. */
  cancel(call: Call, reason: string): void {
    const { code, message, retryable } = new AtpError('cancelled', `The call was cancelled: ${reason}`)
    if (call.fail({ code, message, retryable })) this.#options.deliveries.cancel(call, reason)
  }

  /** The caller of a call is gone: cancels it, unless it may come back for the outcome. */
  abandon(call: Call, reason: string): void {
    if (!call.survives) this.cancel(call, reason)
  }

  /** Calls back once a call has its outcome, at once when it is not under way. Returns what ends the listening. */
  onceEnded(callId: string, listener: () => void): () => void {
    if (!this.#calls.has(callId)) {
      listener()
      return () => {}
    }
    return this.#endedListeners.add(callId, listener)
  }

  /** Refuses new calls from now on; resolves when those under way that nobody can come back for have ended. */
  drain(): Promise<void> {
    this.#draining = true
    return new Promise((resolve) => {
      this.#idle = resolve
      this.#tellIdle()
    })
  }

  /**
   * Ends what outlasted the drain: nobody will learn whether it finished. Calls that survive go on with the next server.
   * Resolves when all outcomes are written.
   */
  async endAll(): Promise<void> {
    for (const call of [...this.#calls.values()]) {
      if (call.survives) continue
      const never = call.stored && !call.sent
      const message = never
        ? `The server restarted before "${call.tool.name}" ran; send the call again`
        : `The server restarted while "${call.tool.name}" ran; whether it finished is unknown`
      const { code, retryable } = new AtpError(never ? 'server_shutting_down' : 'toolkit_disconnected', message)
      if (call.fail({ code, message, retryable })) this.#options.deliveries.cancel(call, 'the server restarts')
    }
    // A store that is not there must not keep the server from ending.
    await Promise.race([Promise.all(this.#writing), wait(writingMs, undefined, { ref: false })])
    for (const call of this.#calls.values()) clearTimeout(call.deadline)
  }

  /** @throws AtpError `tool_not_found`, `invalid_params` or `server_shutting_down` */
  #targetOf(entry: DirectoryEntry, { tool: name, provider, params }: CallRequest): Target {
    if (this.#draining) throw new AtpError('server_shutting_down', 'The server restarts; send the call again')
    const tool = this.#options.toolNames.find(entry, name, provider)
    if (!tool) throw new AtpError('tool_not_found', `Toolkit "${entry.toolkit.appName}" has no tool "${name}"`)
    // In the form of the tool's own schema.
    return { entry, tool, params: this.#options.toolNames.readArguments(entry, tool.name, params, provider) }
  }

  #create({ entry, tool, params }: Target, request: CallRequest, load: KeyLoad, listener: CallListener): Call {
    const { key, authToken, requestChars, meta, app } = request
    return this.#track(
      {
        id: this.#options.newId(),
        key,
        toolkit: entry.toolkit,
        tool,
        params,
        authToken,
        timeoutMs: effectiveTimeoutMs(tool.timeoutMs, request.timeoutMs),
        meta,
        app,
        requestChars,
        survives: mustBeStored(request),
      },
      load,
      listener,
    )
  }

  #track(init: TrackedCall, load: KeyLoad, listener: CallListener): Call {
    const { onPart } = listener
    const call = new Call({
      ...init,
      load,
      onOutcome: (outcome, ended) => this.#onOutcome(ended, outcome, load, listener),
      onPart: onPart && ((part, { id }) => onPart(part, id)),
    })
    this.#calls.set(call.id, call)
    const span = this.#options.tracing?.start(call)
    if (span) {
      call.span = span
      call.meta = span.meta
    }
    return call
  }

  #dispatch(call: Call): void {
    this.#hand(call, this.#refusal(call) ?? this.#options.deliveries.dispatch(call))
  }

  /** The call is with its delivery, or has its outcome. */
  #hand(call: Call, refusal: AtpError | undefined): void {
    if (refusal) call.fail(toWireError(refusal))
    else if (!call.ended) call.deadline = setTimeout(() => this.#expire(call), call.remainingMs)
  }

  async #store(call: Call, request: CallRequest, load: KeyLoad, listener: CallListener): Promise<Call | undefined> {
    const { deliveries, stored } = this.#options
    const way = this.#refusal(call) ?? deliveries.choose(call)
    if (way instanceof AtpError) {
      // Its toolkit may be gone, and its answer is there.
      if (await this.#answered(call, request, load, listener)) return undefined
      call.fail(toWireError(way))
      return undefined
    }
    let claim: IdempotencyClaim | undefined
    let answer: StoredAnswer
    try {
      // Before it is written: from then on a poll may find it.
      deliveries.expect(way, call)
      claim = claimOf(call, request, stored.keepOutcomeMs)
      answer = await stored.insert(call, way, claim)
    } catch (error) {
      this.#discard(call, load)
      throw error
    }
    if (!answer.inserted) {
      this.#discard(call, load)
      await this.#replays.answer(request, answer.existing, claim, listener)
      return undefined
    }
    if (request.detach) listener.onAccepted?.(call.id)
    else listener.onStarted?.(call.id)
    this.#hand(call, deliveries.dispatchBy(way, call))
    return call
  }

  /** Whether a call that cannot be handed over has an answer from before. @throws AtpError as `Replays.answer` */
  async #answered(call: Call, request: CallRequest, load: KeyLoad, listener: CallListener): Promise<boolean> {
    const { stored } = this.#options
    try {
      const claim = claimOf(call, request, stored.keepOutcomeMs)
      const holder = claim && (await stored.claimHolder(call, claim))
      if (!holder) return false
      await this.#replays.answer(request, holder, claim, listener)
    } catch (error) {
      this.#discard(call, load)
      throw error
    }
    this.#discard(call, load)
    return true
  }

  #refusal(call: Call): AtpError | undefined {
    // What the user of an app did is no list of arguments.
    if (call.app && call.app.event !== 'start') return undefined
    try {
      checkCall(call.tool, call.params, call.authToken)
      return undefined
    } catch (error) {
      return error as AtpError
    }
  }

  #expire(call: Call): void {
    const message = `Tool "${call.tool.name}" did not answer within ${call.timeoutMs} ms`
    const { code, retryable } = new AtpError('deadline_exceeded', message)
    if (call.fail({ code, message, retryable })) this.#options.deliveries.cancel(call, 'deadline exceeded')
  }

  #onOutcome(call: Call, outcome: CallOutcome, load: KeyLoad, listener: CallListener): void {
    clearTimeout(call.deadline)
    if (!call.stored) {
      this.#ended(call, outcome, load)
      listener.onOutcome(outcome, call.id)
      return
    }
    // Nobody hears of an outcome that a restart could still change.
    const { told, written } = this.#options.stored.end(call, outcome)
    void told.then((known) => listener.onOutcome(known, call.id))
    const writing = written.then((known) => {
      this.#writing.delete(writing)
      this.#ended(call, known, load)
    })
    this.#writing.add(writing)
  }

  #ended(call: Call, outcome: CallOutcome, load: KeyLoad): void {
    this.#loads.leave(call.key.id, load)
    this.#calls.delete(call.id)
    const errorCode = outcome.ok ? null : outcome.error.code
    this.#options.log.add(call, call.delivery, errorCode)
    call.span?.end(errorCode ?? undefined)
    this.#endedListeners.tell(call.id)
    this.#tellIdle()
  }

  /** It was never accepted. */
  #discard(call: Call, load: KeyLoad): void {
    this.#options.deliveries.discard(call)
    call.discard()
    call.span?.end()
    this.#calls.delete(call.id)
    this.#loads.leave(call.key.id, load)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (!this.#idle) return
    for (const call of this.#calls.values()) if (!call.survives) return
    this.#idle()
  }
}

/** What a call is made of, beside who hears of it. */
type TrackedCall = Omit<ConstructorParameters<typeof Call>[0], 'load' | 'onOutcome' | 'onPart'>
