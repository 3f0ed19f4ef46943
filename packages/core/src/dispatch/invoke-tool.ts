import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { toToolWireError, toWireError, type WireError } from '../errors/to-wire-error.ts'
import { type Logger, silentLogger } from '../logging/logger.ts'
import { checkJsonShape, isJsonObject } from '../protocol/json.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { Tool, Validation } from '../tool/tool.ts'
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
  /** Gets each partial result of an async generator, in order. */
  onChunk?: ((value: unknown) => void) | undefined
  /** Called when the handler really ended, which for an abandoned one is after its outcome. */
  onHandlerEnd?: (() => void) | undefined
  logger?: Logger | undefined
  env?: unknown
  /** Whether the messages of errors that handlers throw reach the caller. @default true */
  exposeErrors?: boolean | undefined
}

/** The one outcome of a run; `json` is the result as JSON text. */
export type InvokeOutcome = { ok: true; json: string } | { ok: false; error: WireError }

/**
 * Runs a tool: the only place where handlers are called. In order: size and depth, required parameters, token,
 * schema, deadline, handler, output schema, serialisation. Never rejects. A handler that outlives its deadline or a
 * cancel is abandoned: its late result is dropped and logged, and `onHandlerEnd` tells when it really ended.
 */
export async function invokeTool(tool: Tool, args: unknown, options: InvokeOptions): Promise<InvokeOutcome> {
  const run = new ToolRun(tool, options)
  try {
    const checked = checkArguments(tool, args, options.authToken)
    const validated = tool.validateInput ? readValidation(tool, await tool.validateInput(checked)) : checked
    return { ok: true, json: await run.result(withToken(tool, validated, options.authToken)) }
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
  throw new AtpError('invalid_params', `Invalid parameters for tool "${tool.name}": ${issuesText(validation.issues)}`, {
    details: { issues: validation.issues.slice(0, 20) },
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
  #timer: ReturnType<typeof setTimeout> | undefined
  #onAbort: (() => void) | undefined
  #closed = false

  constructor(tool: Tool, options: InvokeOptions) {
    this.#tool = tool
    this.#options = options
    this.#context = new CallContext({
      callId: options.callId,
      authToken: tool.auth === null ? undefined : options.authToken,
      logger: options.logger ?? silentLogger,
      env: options.env,
      signal: options.signal,
      onProgress: options.onProgress,
    })
  }

  async result(args: unknown): Promise<string> {
    const { signal } = this.#options
    if (signal?.aborted) throw cancelledError(signal.reason)
    let returned: unknown
    try {
      // Validation made the arguments what the handler's type says.
      returned = this.#tool.handler(args as never, this.#context)
    } catch (error) {
      this.#options.onHandlerEnd?.()
      throw new HandlerFailure(error)
    }
    if (!isPending(returned)) {
      this.#options.onHandlerEnd?.()
      return this.#finish(returned)
    }
    const ended = this.#track(isAsyncGenerator(returned) ? this.#drain(returned) : handlerWord(returned))
    return this.#finish(await this.#beforeDeadline(ended))
  }

  toWireError(error: unknown): WireError {
    if (error instanceof HandlerFailure) {
      // A handler that passes on our own abort reason did not fail: the call did, for that reason.
      if (error.error !== undefined && error.error === this.#context.abortReason) return toWireError(error.error)
      this.#options.logger?.warn('tool.failed', { tool: this.#tool.name, callId: this.#options.callId })
      return toToolWireError(error.error, this.#options.exposeErrors ?? true)
    }
    if (!isAtpError(error)) {
      this.#options.logger?.error('tool.defect', { tool: this.#tool.name, error: String(error) })
    }
    return toWireError(error)
  }

  close(): void {
    this.#closed = true
    this.#context.end()
    clearTimeout(this.#timer)
    if (this.#onAbort) this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  async #finish(value: unknown): Promise<string> {
    if (!this.#tool.validateOutput) return serializeResult(value, this.#tool.name)
    const validation = await this.#tool.validateOutput(value)
    if (validation.ok) return serializeResult(validation.value, this.#tool.name)
    throw new AtpError(
      'invalid_result',
      `Tool "${this.#tool.name}" returned a value that does not fit its output schema: ${issuesText(validation.issues)}`,
    )
  }

  /** Tells when the handler ended, and reports a result that nobody waits for any more. */
  async #track(pending: Promise<unknown>): Promise<unknown> {
    try {
      return await pending
    } finally {
      this.#options.onHandlerEnd?.()
      if (this.#closed) {
        const { callId, logger } = this.#options
        logger?.warn('tool.late_result_dropped', { tool: this.#tool.name, callId })
      }
    }
  }

  /** Races the handler with deadline and cancel, without making a timer for a handler that is done at once. */
  async #beforeDeadline(ended: Promise<unknown>): Promise<unknown> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    ended.then(mark, mark)
    // An async handler that awaits nothing settles within a few microtasks.
    for (let turn = 0; turn < 4 && !settled; turn += 1) await undefined
    if (settled) return ended
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
    return Promise.race([ended, interrupted])
  }

  async #drain(generator: AsyncGenerator<unknown, unknown, void>): Promise<unknown> {
    const { name } = this.#tool
    const yields: unknown[] = []
    let size = 0
    for (;;) {
      const step = await handlerWord(generator.next())
      if (step.done && step.value !== undefined) return step.value
      if (step.done) {
        if (size <= maxResultBytes) return yields
        throw new AtpError('result_too_large', `Tool "${name}" yielded more than ${maxResultBytes} bytes of JSON`)
      }
      if (this.#closed) {
        // Nobody listens: let the generator run its finally blocks and stop. What it returns is dropped.
        return handlerWord(generator.return(undefined))
      }
      // The list of yields may become the result, so past the result's limit it is no longer kept.
      size += serializeResult(step.value, name).length
      if (size <= maxResultBytes) yields.push(step.value)
      else yields.length = 0
      this.#options.onChunk?.(step.value)
    }
  }
}

/** Waits for what the handler says, and marks its failures as the handler's own. */
async function handlerWord<T>(pending: PromiseLike<T>): Promise<T> {
  try {
    return await pending
  } catch (error) {
    throw new HandlerFailure(error)
  }
}

function isPending(value: unknown): value is PromiseLike<unknown> | AsyncGenerator<unknown, unknown, void> {
  return typeof value === 'object' && value !== null && (isThenable(value) || isAsyncGenerator(value))
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown }).then === 'function'
}

function isAsyncGenerator(value: object): value is AsyncGenerator<unknown, unknown, void> {
  const candidate = value as { next?: unknown; return?: unknown; [Symbol.asyncIterator]?: unknown }
  return typeof candidate[Symbol.asyncIterator] === 'function' && typeof candidate.next === 'function'
}
