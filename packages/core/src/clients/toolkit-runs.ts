import { Cancellation } from '../dispatch/cancel-signal.ts'
import { type InvokeOutcome, invokeTool } from '../dispatch/invoke-tool.ts'
import { AtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import { encodeFrame, encodeResult } from '../protocol/codec.ts'
import type { ToolkitCallFrame } from '../protocol/frames.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import type { Tool } from '../tool/tool.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { TransportSlots } from '../transport/inbox-polling.ts'
import type { Session } from './session.ts'
import { ToolkitLeases } from './toolkit-leases.ts'
import { type ResultOf, ToolkitResults, takesResults } from './toolkit-results.ts'
import { ToolkitStream } from './toolkit-stream.ts'

/** How a toolkit's calls run. */
export interface ToolkitRunsOptions {
  toolkit: Toolkit
  maxConcurrency: number
  tracing: Tracing | undefined
  /** A call comes or ends. */
  onActivity(): void
  /** A run of a tool has its outcome. */
  onOutcome(call: ToolkitCallFrame, outcome: InvokeOutcome, durationMs: number): void
}

/** What a server that leaves it out means, in milliseconds. */
const defaultLeaseMs = 30_000

/** One call on its way to its outcome. */
interface Run {
  readonly origin: Session
  readonly frame: ToolkitCallFrame
  readonly cancellation: Cancellation
  /** Whether nobody takes the result any more. */
  isLost: boolean
}

/** Runs the calls of a toolkit that is connected to a server: how many at once, under which lease, to which outcome. */
export class ToolkitRuns implements TransportSlots {
  readonly results: ToolkitResults
  readonly leases: ToolkitLeases
  readonly #options: ToolkitRunsOptions
  /** The newest run of each call without an outcome. */
  readonly #byId = new Map<string, Run>()
  /** Older ones: a server may send a call again after it lost the connection. One set for all would cost every call. */
  readonly #older = new Set<Run>()
  /** Handlers that have not ended, abandoned ones included, and calls that wait for their lease. */
  #busySlots = 0
  #isAccepting = true
  readonly #listeners = new Set<() => void>()
  readonly #idleWaiters = new Set<() => void>()

  constructor(options: ToolkitRunsOptions) {
    const { logger } = options.toolkit.settings
    this.#options = options
    this.results = new ToolkitResults(logger)
    this.leases = new ToolkitLeases((origin) => this.results.route(origin), logger)
  }

  /** How many calls have no outcome yet. */
  get size(): number {
    return this.#byId.size + this.#older.size
  }

  /** How many calls may come. */
  get free(): number {
    return this.#isAccepting ? Math.max(0, this.#options.maxConcurrency - this.#busySlots) : 0
  }

  /** Calls the listener when `free` is above 0 again, or is 0 for another reason than calls; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether new calls are taken. @default true */
  set isAccepting(isAccepting: boolean) {
    this.#isAccepting = isAccepting
    this.#changed()
  }

  /** A session was opened: calls, results and leases of earlier ones go on over it where its server takes them. */
  opened(session: Session): void {
    const surviving = this.#all().filter(({ origin }) => takesResults(origin))
    this.results.opened(
      session,
      surviving.map(({ frame }) => frame.requestId),
    )
    this.leases.opened()
  }

  /** Resolves when no call is without an outcome. */
  whenIdle(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.add(resolve))
  }

  /** Unknown and finished calls are ignored. */
  cancel(requestId: string, reason: string | undefined): void {
    this.#byId.get(requestId)?.cancellation.cancel(reason)
  }

  /** Cancels what runs, gives up what waits, and forgets the results: the client stops. */
  stop(reason: string): void {
    this.leases.stop()
    for (const run of this.#all()) {
      // Told as an outcome, it would say that the caller cancelled it.
      run.isLost = true
      run.cancellation.cancel(reason)
    }
    this.results.clear()
  }

  /** Answers a call that cannot be read; one that runs here has an outcome of its own. */
  refuse(origin: Session, call: ResultOf, error: AtpError): void {
    if (!this.#byId.has(call.requestId)) this.#fail(origin, call, error)
  }

  /** Takes a call that came on a session to its outcome. */
  take(origin: Session, frame: ToolkitCallFrame): void {
    this.#options.onActivity()
    if (frame.leaseId !== undefined) {
      void this.#takeLeased(origin, frame)
      return
    }
    const tool = this.#options.toolkit.registeredTools.get(frame.tool)
    const refusal = this.#unknown(frame, tool) ?? this.#busy()
    if (refusal || !tool) this.#fail(origin, frame, refusal)
    else void this.#invoke(this.#begin(origin, frame), tool)
  }

  async #takeLeased(origin: Session, frame: ToolkitCallFrame): Promise<void> {
    // A stored call that nobody asks to run is delivered again, here or to another process.
    if (this.#busy() || this.leases.has(frame.requestId, frame.leaseId)) return
    const run = this.#begin(origin, frame)
    // While it waits for its lease nothing else may take its place.
    const isGranted = await this.#acquire(run)
    const tool = this.#options.toolkit.registeredTools.get(frame.tool)
    const unknown = this.#unknown(frame, tool)
    if (isGranted && tool && !unknown) {
      await this.#invoke(run, tool)
      return
    }
    this.#freeSlot()
    if (isGranted) this.#fail(origin, frame, unknown)
    this.#end(run)
  }

  #begin(origin: Session, frame: ToolkitCallFrame): Run {
    const run: Run = { origin, frame, cancellation: new Cancellation(), isLost: false }
    const older = this.#byId.get(frame.requestId)
    if (older !== undefined) this.#older.add(older)
    this.#byId.set(frame.requestId, run)
    this.#busySlots += 1
    return run
  }

  #end(run: Run): void {
    const { requestId, leaseId } = run.frame
    if (leaseId !== undefined) this.leases.release(requestId, leaseId)
    if (this.#byId.get(requestId) === run) this.#byId.delete(requestId)
    else this.#older.delete(run)
    this.#options.onActivity()
    if (this.size > 0) return
    for (const resolve of this.#idleWaiters) resolve()
    this.#idleWaiters.clear()
  }

  #all(): Run[] {
    return [...this.#older, ...this.#byId.values()]
  }

  #acquire(run: Run): Promise<boolean> {
    const { requestId, leaseId = '', leaseMs = defaultLeaseMs } = run.frame
    return this.leases.acquire({
      requestId,
      leaseId,
      leaseMs,
      origin: run.origin,
      onLost: () => {
        run.isLost = true
        run.cancellation.cancel('the lease was lost')
      },
    })
  }

  /** Never rejects. */
  async #invoke(run: Run, tool: Tool): Promise<void> {
    const { origin, frame, cancellation } = run
    const { requestId, leaseId } = frame
    const { toolkit, tracing, onOutcome } = this.#options
    const { logger, env, exposeErrors } = toolkit.settings
    const startedAt = performance.now()
    const stream = frame.stream ? this.#stream(run) : undefined
    const runnable = (frame.app && tool.app?.toolFor(frame.app)) ?? tool
    const outcome = await invokeTool(runnable, frame.params, {
      callId: requestId,
      authToken: frame.authToken,
      timeoutMs: frame.deadlineMs,
      signal: cancellation,
      onProgress: stream?.progress,
      onChunk: stream?.chunk,
      onHandlerEnd: () => this.#freeSlot(),
      logger,
      env,
      exposeErrors,
      tracing,
      toolkit: toolkit.appName,
      meta: tracing && (frame.meta ?? {}),
    })
    const chunks = stream?.end()
    if (!run.isLost) {
      const text = outcome.ok
        ? encodeResult(requestId, outcome.json, { leaseId })
        : encodeFrame({ type: 'result', requestId, leaseId, ok: false, error: outcome.error })
      this.results.send(origin, frame, text, chunks)
    }
    this.#end(run)
    onOutcome(frame, outcome, performance.now() - startedAt)
  }

  #stream({ origin, frame: { requestId, leaseId } }: Run): ToolkitStream {
    const route = (): Session | undefined => this.results.route(origin)
    return new ToolkitStream({ requestId, leaseId, route, resumes: takesResults(origin) })
  }

  #fail(origin: Session, call: ResultOf, refusal: AtpError | undefined): void {
    const { requestId, leaseId } = call
    const error = toWireError(refusal)
    this.results.send(origin, call, encodeFrame({ type: 'result', requestId, leaseId, ok: false, error }))
  }

  #unknown(frame: ToolkitCallFrame, tool: Tool | undefined): AtpError | undefined {
    const { appName } = this.#options.toolkit
    if (!tool) return new AtpError('tool_not_found', `Toolkit "${appName}" has no tool "${frame.tool}"`)
    if (frame.app === undefined || tool.app) return undefined
    return new AtpError('unsupported', `Tool "${tool.name}" of toolkit "${appName}" is no app`)
  }

  #busy(): AtpError | undefined {
    const { toolkit, maxConcurrency } = this.#options
    if (!this.#isAccepting) return new AtpError('busy', `Toolkit "${toolkit.appName}" is stopping; send the call again`)
    if (this.#busySlots < maxConcurrency) return undefined
    return new AtpError(
      'busy',
      `Toolkit "${toolkit.appName}" runs ${maxConcurrency} calls already; send the call again later`,
    )
  }

  #freeSlot(): void {
    this.#busySlots -= 1
    if (this.free === 1) this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
