import { toUtcpError } from '../errors/to-utcp-error.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import { type CallScope, openCallScope, untilAborted } from '../execution/call-scope.ts'
import { ConcurrencyLimit } from '../execution/concurrency-limit.ts'
import { RetryPolicy } from '../execution/retry.ts'
import { ToolValidation } from '../execution/tool-validation.ts'
import { isObject } from '../model/copy-json.ts'
import type { CallTemplate, Tool } from '../model/models.ts'
import type { CallContext, CommunicationProtocol, ToolArguments } from '../protocol/communication-protocol.ts'
import type { ClientParts } from './client-parts.ts'
import { allowedProtocols, protocolFor } from './discover.ts'
import { manualNameOf } from './tool-names.ts'

/** How one call is run. */
export interface CallOptions {
  /** The time of the call with all its tries, in milliseconds. @default the client's; streams have none */
  readonly timeoutMs?: number
  /** Ends the call. */
  readonly signal?: AbortSignal
  /** Whether calling twice is as good as once. @default what the protocol says */
  readonly idempotent?: boolean
}

/** A call that is ready to be sent. */
interface PreparedCall {
  readonly tool: Tool
  readonly manualCallTemplate: CallTemplate
  readonly template: CallTemplate
  readonly protocol: CommunicationProtocol
}

/** The longest time a call may be given, in milliseconds. */
const maxTimeoutMs = 2_147_483_647

/** Calls the tools of one client. */
export class ToolCaller {
  readonly #parts: ClientParts
  readonly #slots: ConcurrencyLimit
  readonly #retries: RetryPolicy
  readonly #validation: ToolValidation

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.#slots = new ConcurrencyLimit(parts.settings.maxConcurrency, parts.settings.maxQueued)
    this.#retries = new RetryPolicy(parts.settings.retry)
    this.#validation = new ToolValidation(parts.settings.logger)
  }

  async call(toolName: string, args: ToolArguments, options: CallOptions): Promise<unknown> {
    const scope = this.#open(toolName, options, this.#parts.settings.timeoutMs)
    try {
      const call = await untilAborted(this.#prepare(toolName, args), scope.signal)
      const result = await this.#callWithRetries(call, args, options, scope)
      if (this.#parts.settings.validateOutput) await this.#validation.checkResult(call.tool, result)
      return this.#parts.postProcessors.length === 0 ? result : await this.#process(call, result)
    } finally {
      scope.end()
    }
  }

  async *stream(toolName: string, args: ToolArguments, options: CallOptions): AsyncGenerator<unknown, void, undefined> {
    const scope = this.#open(toolName, options, undefined)
    try {
      yield* this.#streamIn(scope, toolName, args)
    } finally {
      scope.end()
    }
  }

  async *#streamIn(scope: CallScope, toolName: string, args: ToolArguments): AsyncGenerator<unknown, void, undefined> {
    const call = await untilAborted(this.#prepare(toolName, args), scope.signal)
    const stop = new AbortController()
    const signal = AbortSignal.any([scope.signal, stop.signal])
    const release = await this.#slots.acquire(scope.signal)
    let iterator: AsyncIterator<unknown> | undefined
    let ended = false
    try {
      const context = this.#context(call, signal, scope.remainingMs())
      const { protocol, template } = call
      iterator = protocol
        .callToolStreaming(this.#parts.caller, toolName, args, template, context)
        [Symbol.asyncIterator]()
      for (;;) {
        let next: IteratorResult<unknown>
        try {
          next = await untilAborted(iterator.next(), scope.signal)
        } catch (error) {
          // What an iterator throws has ended it; what ends the call has not.
          ended = !scope.signal.aborted
          throw error
        }
        if (next.done) {
          ended = true
          return
        }
        yield await this.#process(call, next.value)
      }
    } catch (error) {
      throw this.#toError(error, toolName)
    } finally {
      if (ended) release()
      else {
        stop.abort(new UtcpError('cancelled', `The stream of "${toolName}" was left`))
        // Not awaited: a protocol that does not stop must not hold up its caller, only its slot.
        Promise.resolve(iterator?.return?.()).then(release, release)
      }
    }
  }

  /** The tool and its manual's template. @throws UtcpError `tool_not_found`, `tool_changed` */
  async find(toolName: string): Promise<{ tool: Tool; manualCallTemplate: CallTemplate }> {
    const { repository, pins } = this.#parts
    const [tool, manualCallTemplate] = await Promise.all([
      repository.getTool(toolName),
      repository.getManualCallTemplate(manualNameOf(toolName)),
    ])
    if (tool !== undefined && manualCallTemplate !== undefined) return { tool, manualCallTemplate }
    const changed = pins?.changed(toolName)
    if (changed !== undefined) {
      throw new UtcpError(
        'tool_changed',
        `"${toolName}" is not what it was when it was pinned: look at it, then accept it`,
        {
          details: { fingerprint: changed.fingerprint },
        },
      )
    }
    throw new UtcpError('tool_not_found', `Tool not found: ${toolName.slice(0, 200)}`)
  }

  async #prepare(toolName: string, args: ToolArguments): Promise<PreparedCall> {
    const { tool, manualCallTemplate } = await this.find(toolName)
    const declared = tool.tool_call_template
    const allowed = allowedProtocols(manualCallTemplate)
    if (!allowed.includes(declared.call_template_type)) {
      throw new UtcpError(
        'protocol_not_allowed',
        `"${toolName}" uses "${declared.call_template_type}", its manual allows ${allowed.join(', ')}`,
      )
    }
    const protocol = protocolFor(this.#parts, declared, 'tool_call_template')
    if (!isObject(args)) throw new UtcpError('invalid_arguments', `The arguments of "${toolName}" must be an object`)
    if (this.#parts.settings.validateInput) await this.#validation.checkArguments(tool, args)
    const template = await this.#parts.substitutor.substitute(declared, this.#parts.sources, manualCallTemplate.name)
    return { tool, manualCallTemplate, template, protocol }
  }

  async #callWithRetries(
    call: PreparedCall,
    args: ToolArguments,
    options: CallOptions,
    scope: CallScope,
  ): Promise<unknown> {
    const { protocol, template, tool } = call
    const idempotent = options.idempotent ?? protocol.isIdempotent?.(template) ?? false
    this.#retries.countCall()
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#callOnce(call, args, scope)
      } catch (error) {
        const failure = this.#toError(error, tool.name)
        const delayMs =
          idempotent && !scope.signal.aborted ? this.#retries.delayMs(failure, attempt, scope.remainingMs()) : undefined
        if (delayMs === undefined) throw failure
        await pause(delayMs, scope.signal)
      }
    }
  }

  async #callOnce(call: PreparedCall, args: ToolArguments, scope: CallScope): Promise<unknown> {
    const { protocol, template, tool } = call
    const free = this.#slots.acquire(scope.signal)
    const release = typeof free === 'function' ? free : await free
    // In a function of its own, so that a protocol that throws at once is no different.
    const running = (async () => {
      const context = this.#context(call, scope.signal, scope.remainingMs())
      return protocol.callTool(this.#parts.caller, tool.name, args, template, context)
    })()
    // The slot is held until the work ends, even if nobody waits for it any more.
    running.then(release, release)
    return untilAborted(running, scope.signal)
  }

  #context(call: PreparedCall, signal: AbortSignal, timeoutMs: number | undefined): CallContext {
    const { tool, manualCallTemplate } = call
    return { signal, timeoutMs, maxResponseBytes: this.#parts.settings.maxResponseBytes, tool, manualCallTemplate }
  }

  async #process({ tool, manualCallTemplate }: PreparedCall, result: unknown): Promise<unknown> {
    let processed = result
    for (const [index, processor] of this.#parts.postProcessors.entries()) {
      try {
        processed = await processor.postProcess(this.#parts.caller, tool, manualCallTemplate, processed)
      } catch (error) {
        const what = `post_processing[${index}] failed on the result of "${tool.name}"`
        throw toUtcpError(error, 'post_processing_failed', what)
      }
    }
    return processed
  }

  #open(toolName: string, options: CallOptions, defaultTimeoutMs: number | undefined): CallScope {
    const { timeoutMs = defaultTimeoutMs, signal } = options
    if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= maxTimeoutMs)) {
      throw new UtcpError('invalid_arguments', `timeoutMs must be a number from 1 to ${maxTimeoutMs}`)
    }
    const scope = openCallScope({
      ...{ timeoutMs, signal, closing: this.#parts.closing },
      what: `The call of "${toolName.slice(0, 200)}"`,
    })
    if (!scope.signal.aborted) return scope
    scope.end()
    throw scope.signal.reason
  }

  #toError(error: unknown, toolName: string): UtcpError {
    return toUtcpError(error, 'call_failed', `The call of "${toolName}" failed`)
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await untilAborted(
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms)
      }),
      signal,
    )
  } finally {
    clearTimeout(timer)
  }
}
