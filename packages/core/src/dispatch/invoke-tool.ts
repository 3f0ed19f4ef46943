import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { errorText, toToolWireError, toWireError, type WireError } from '../errors/to-wire-error.ts'
import { type Logger, silentLogger } from '../logging/logger.ts'
import { checkJsonShape, isJsonObject } from '../protocol/json.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { Principal, Tool, Validation } from '../tool/tool.ts'
import { startSpan } from '../tracing/start-span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { CallContext, cancelledError } from './call-context.ts'
import type { CancelSignal } from './cancel-signal.ts'
import { checkCall } from './check-call.ts'
import { maxResultBytes, serializeResult } from './serialize-result.ts'

/** How long a call may take when neither the tool nor the caller says, in milliseconds. */
export const defaultTimeoutMs = 120_000

/** How one run is wanted. */
export interface InvokeOptions {
  callId: string
  authToken?: string | undefined
  /** How long the caller waits, in milliseconds. */
  timeoutMs?: number | undefined
  /** The caller's cancel. */
  signal?: CancelSignal | undefined
  onProgress?: ((value: unknown) => void) | undefined
  /**
   * Gets each partial result of an async generator, in order. When it returns a promise, the generator goes on once
   * that is settled: so a slow reader slows the tool instead of filling the memory.
   */
  onChunk?: ((value: unknown) => unknown) | undefined
  /** Called just before the handler: from here on, nothing can be refused any more. */
  onHandlerStart?: (() => void) | undefined
  /**
   * Called exactly once: when the handler really ended, which for an abandoned one is after its outcome, or with the
   * outcome of a call that never reached its handler.
   */
  onHandlerEnd?: (() => void) | undefined
  logger?: Logger | undefined
  env?: unknown
  principal?: Principal | undefined
  /** Whether the messages of errors that handlers throw reach the caller. @default true */
  exposeErrors?: boolean | undefined
  /** Makes a span of the run. @default none */
  tracing?: Tracing | undefined
  /** The toolkit's name, for that span. */
  toolkit?: string | undefined
  /** The `_meta` that came with the call, for that span; empty rather than undefined where a call can have one and has none. */
  meta?: Readonly<Record<string, unknown>> | undefined
}

/** The one outcome of a run; `json` is the result as JSON text. */
export type InvokeOutcome = { ok: true; json: string } | { ok: false; error: WireError }

/**
 * Runs a tool: the only place where handlers are called. In order: size and depth, required parameters, token,
 * schema, handler, output schema, serialisation, all within the deadline. Never rejects. A handler that outlives its
 * deadline or a cancel is abandoned: its late result is dropped and logged, and `onHandlerEnd` tells when it really
 * ended.
 */
export function invokeTool(tool: Tool, args: unknown, options: InvokeOptions): Promise<InvokeOutcome> {
  const { tracing } = options
  return tracing === undefined ? runTool(tool, args, options) : runTraced(tool, args, options, tracing)
}

async function runTraced(tool: Tool, args: unknown, options: InvokeOptions, tracing: Tracing): Promise<InvokeOutcome> {
  const { toolkit, callId, meta, logger } = options
  const span = startSpan(tracing, { place: 'tool', tool: tool.name, toolkit, callId, meta }, logger)
  const outcome = await span.run(() => runTool(tool, args, options))
  span.end(outcome.ok ? undefined : outcome.error)
  return outcome
}

async function runTool(tool: Tool, args: unknown, options: InvokeOptions): Promise<InvokeOutcome> {
  const run = new ToolRun(tool, options)
  try {
    return { ok: true, json: await run.result(args) }
  } catch (error) {
    return { ok: false, error: run.toWireError(error) }
  } finally {
    run.close()
  }
}

/** How long a call may take: what the tool and the caller allow, never more than ten minutes. */
export function effectiveTimeoutMs(toolMs: number | undefined, callerMs: number | undefined): number {
  return Math.min(toolMs ?? callerMs ?? defaultTimeoutMs, callerMs ?? Number.POSITIVE_INFINITY, maxTimeoutMs)
}

function checkArguments(tool: Tool, args: unknown, authToken: string | undefined): Record<string, unknown> {
  if (!isJsonObject(args)) {
    throw new AtpError('invalid_params', `Arguments of tool "${tool.name}" must be a JSON object`)
  }
  checkJsonShape(args)
  checkCall(tool, args, authToken)
  return args
}

function readValidation(tool: Tool, validation: Validation): unknown {
  if (validation.ok) return validation.value
  const issues = validation.issues.slice(0, 20).map(({ path, message }) => ({ path, message: message.slice(0, 300) }))
  throw new AtpError('invalid_params', `Invalid parameters for tool "${tool.name}": ${issuesText(validation.issues)}`, {
    details: { issues },
  })
}

function issuesText(issues: { path: string; message: string }[]): string {
  const shown = issues.slice(0, 5).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  return issues.length > 5 ? `${shown.join('; ')}; and ${issues.length - 5} more` : shown.join('; ')
}

function withToken(tool: Tool, args: unknown, authToken: string | undefined): unknown {
  if (!tool.tokenInArgs || tool.auth === null) return args
  return { ...(args as object), auth_token: authToken }
}

/** An error the handler threw, told apart from defects of ours. */
class HandlerFailure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

class ToolRun {
  readonly #tool: Tool
  readonly #options: InvokeOptions
  readonly #context: CallContext
  #interrupted: Promise<never> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #onAbort: (() => void) | undefined
  #started = false
  #closed = false

  constructor(tool: Tool, options: InvokeOptions) {
    this.#tool = tool
    this.#options = options
    this.#context = new CallContext({
      callId: options.callId,
      authToken: tool.auth === null ? undefined : options.authToken,
      logger: options.logger ?? silentLogger,
      env: options.env,
      principal: options.principal,
      signal: options.signal,
      onProgress: options.onProgress,
    })
  }

  async result(args: unknown): Promise<string> {
    const tool = this.#tool
    const { authToken } = this.#options
    this.#throwIfCancelled()
    const checked = checkArguments(tool, args, authToken)
    const validation = tool.validateInput?.(checked) ?? { ok: true, value: checked }
    const validated = readValidation(tool, validation instanceof Promise ? await this.#inTime(validation) : validation)
    this.#throwIfCancelled()
    const running = this.#runHandler(withToken(tool, validated, authToken))
    return this.#finish(running instanceof Promise ? await running : running)
  }

  #throwIfCancelled(): void {
    const { signal } = this.#options
    if (signal?.aborted) throw cancelledError(signal.reason)
  }

  #runHandler(args: unknown): unknown {
    this.#started = true
    this.#options.onHandlerStart?.()
    let returned: unknown
    let pending: Promise<unknown> | undefined
    try {
      // Validation made the arguments what the handler's type says.
      returned = this.#tool.handler(args as never, this.#context)
      if (isAsyncIterator(returned)) pending = this.#drain(returned)
      else if (isThenable(returned)) pending = this.#settle(returned)
    } catch (error) {
      this.#options.onHandlerEnd?.()
      throw new HandlerFailure(error)
    }
    if (pending !== undefined) return this.#inTime(pending)
    this.#options.onHandlerEnd?.()
    return returned
  }

  toWireError(error: unknown): WireError {
    if (error instanceof HandlerFailure) {
      // A handler that passes on our own abort reason did not fail: the call did, for that reason.
      if (error.error !== undefined && error.error === this.#context.abortReason) return toWireError(error.error)
      this.#options.logger?.warn('tool.failed', { tool: this.#tool.name, callId: this.#options.callId })
      return toToolWireError(error.error, this.#options.exposeErrors ?? true)
    }
    if (!isAtpError(error)) {
      this.#options.logger?.error('tool.defect', { tool: this.#tool.name, error: errorText(error) })
    }
    return toWireError(error)
  }

  close(): void {
    this.#closed = true
    this.#context.end()
    clearTimeout(this.#timer)
    if (!this.#started) this.#options.onHandlerEnd?.()
    if (this.#onAbort) this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  #finish(value: unknown): string | Promise<string> {
    const { name, validateOutput } = this.#tool
    return validateOutput ? this.#finishChecked(value, validateOutput) : serializeResult(value, name)
  }

  async #finishChecked(value: unknown, validateOutput: NonNullable<Tool['validateOutput']>): Promise<string> {
    const checked = validateOutput(value)
    const validation = checked instanceof Promise ? await this.#inTime(checked) : checked
    if (validation.ok) return serializeResult(validation.value, this.#tool.name)
    throw new AtpError(
      'invalid_result',
      `Tool "${this.#tool.name}" returned a value that does not fit its output schema: ${issuesText(validation.issues)}`,
    )
  }

  async #settle(returned: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await returned
    } catch (error) {
      throw new HandlerFailure(error)
    } finally {
      this.#handlerEnded()
    }
  }

  /** Tells that the handler ended, and reports a result that nobody waits for any more. */
  #handlerEnded(): void {
    const { callId, logger, onHandlerEnd } = this.#options
    onHandlerEnd?.()
    if (this.#closed) logger?.warn('tool.late_result_dropped', { tool: this.#tool.name, callId })
  }

  /** Races what is pending with deadline and cancel, without making a timer for what is done at once. */
  async #inTime<T>(pending: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    pending.then(mark, mark)
    // An async handler that awaits nothing settles within a few microtasks.
    for (let turn = 0; turn < 4 && !settled; turn += 1) await undefined
    if (settled) return await pending
    this.#interrupted ??= this.#interruption()
    return Promise.race([pending, this.#interrupted])
  }

  /** Rejects at the deadline or when the caller cancels, after telling the handler. */
  #interruption(): Promise<never> {
    const { signal, timeoutMs } = this.#options
    const limit = effectiveTimeoutMs(this.#tool.timeoutMs, timeoutMs)
    const interrupted = new Promise<never>((_resolve, reject) => {
      const interrupt = (error: AtpError): void => {
        this.#context.abort(error)
        reject(error)
      }
      this.#timer = setTimeout(() => {
        interrupt(new AtpError('deadline_exceeded', `Tool "${this.#tool.name}" did not answer within ${limit} ms`))
      }, limit)
      if (!signal) return
      this.#onAbort = () => interrupt(cancelledError(signal.reason))
      if (signal.aborted) this.#onAbort()
      else signal.addEventListener('abort', this.#onAbort, { once: true })
    })
    // It may come when nothing is pending, such as between two checks.
    interrupted.catch(() => {})
    return interrupted
  }

  async #drain(generator: AsyncIterator<unknown, unknown, void>): Promise<unknown> {
    const { name } = this.#tool
    const yields: string[] = []
    let size = 0
    let ended = false
    try {
      for (;;) {
        const step = await handlerWord(() => generator.next())
        // Nobody listens any more: stop the generator, and drop what it says.
        if (this.#closed) return undefined
        if (step.done) {
          ended = true
          if (step.value !== undefined) return step.value
          if (size <= maxResultBytes) return JSON.parse(`[${yields.join(',')}]`)
          throw new AtpError('result_too_large', `Tool "${name}" yielded more than ${maxResultBytes} bytes of JSON`)
        }
        // The list of yields may become the result, so past the result's limit it is no longer kept. Texts, because a
        // generator may go on changing what it yielded.
        const text = serializeResult(step.value, name)
        size += text.length
        if (size <= maxResultBytes) yields.push(text)
        else yields.length = 0
        const taken = this.#options.onChunk?.(step.value === undefined ? null : step.value)
        if (taken instanceof Promise) await taken
        if (this.#closed) return undefined
      }
    } finally {
      // Its finally blocks run now; what they say is dropped.
      if (!ended) await handlerWord(() => generator.return?.()).catch(() => {})
      this.#handlerEnded()
    }
  }
}

/** Waits for what the handler says, and marks its failures as the handler's own. */
async function handlerWord<T>(say: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await say()
  } catch (error) {
    throw new HandlerFailure(error)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function isAsyncIterator(value: unknown): value is AsyncIterator<unknown, unknown, void> {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as { next?: unknown; [Symbol.asyncIterator]?: unknown }
  return typeof candidate[Symbol.asyncIterator] === 'function' && typeof candidate.next === 'function'
}
