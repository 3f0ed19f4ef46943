import { AtpError, type ToolDescriptor, toWireError } from '@atp/core'
import { checkCall, effectiveTimeoutMs } from '@atp/core/protocol'
import type { Delivery } from '../delivery/delivery.ts'
import type { StoredKey, StoredToolkit } from '../store/store.ts'
import { Call, type CallOutcome } from './call.ts'
import type { CallLog } from './call-log.ts'
import type { ToolNames } from './tool-names.ts'
import type { DirectoryEntry, ToolkitDirectory } from './toolkit-directory.ts'

/** A call as a gateway received it. */
export interface CallRequest {
  key: StoredKey
  /** A toolkit's id, app name or slug. */
  toolkitId: string
  tool: string
  params: Record<string, unknown>
  authToken: string | undefined
  timeoutMs: number | undefined
  /** Whose tool names the caller uses. */
  provider: string | undefined
  meta: Record<string, unknown> | undefined
  /** How large the request is that brought it, in characters or bytes. */
  requestChars: number
}

/** What a router is made of. */
export interface CallRouterOptions {
  directory: ToolkitDirectory
  toolNames: ToolNames
  delivery: Delivery
  log: CallLog
  newId: () => string
  /** Calls under way for one key at most. */
  maxInFlightPerKey: number
  /** What they may keep, in characters of their requests. */
  maxRequestCharsPerKey: number
}

/** What is under way for one key. */
interface KeyLoad {
  calls: number
  requestChars: number
}

/** Brings accepted calls to their delivery and sees that each gets exactly one outcome. */
export class CallRouter {
  readonly #options: CallRouterOptions
  readonly #loads = new Map<string, KeyLoad>()
  readonly #calls = new Set<Call>()
  #draining = false
  #idle: (() => void) | undefined

  constructor(options: CallRouterOptions) {
    this.#options = options
  }

  /** How many calls are under way. */
  get inFlight(): number {
    return this.#calls.size
  }

  /**
   * Starts a call whose toolkit is in memory; undefined when it has to be looked up first (`startLater`).
   * `onOutcome` is called exactly once, possibly before this returns.
   * @throws AtpError what refuses the call before it is accepted
   */
  start(request: CallRequest, onOutcome: (outcome: CallOutcome, call: Call) => void): Call | undefined {
    const entry = this.#options.directory.peek(request.key.projectId, request.toolkitId)
    if (!entry) return undefined
    const tool = this.#toolOf(entry, request)
    const params = this.#paramsOf(entry, tool, request)
    return this.#accept(entry.toolkit, tool, { ...request, params }, this.#enter(request), onOutcome)
  }

  /** The same for a toolkit that has to be looked up. @throws AtpError */
  async startLater(request: CallRequest, onOutcome: (outcome: CallOutcome, call: Call) => void): Promise<Call> {
    // Counted while it waits for the store: else any number of requests could wait in memory.
    const load = this.#enter(request)
    load.requestChars += request.requestChars
    let entry: DirectoryEntry | undefined
    let tool: ToolDescriptor
    let params: Record<string, unknown>
    try {
      entry = await this.#options.directory.resolve(request.key.projectId, request.toolkitId)
      if (!entry) throw toolkitNotFound(request.toolkitId)
      tool = this.#toolOf(entry, request)
      params = this.#paramsOf(entry, tool, request)
    } catch (error) {
      this.#leave(request.key.id, load)
      throw error
    } finally {
      load.requestChars -= request.requestChars
    }
    return this.#accept(entry.toolkit, tool, { ...request, params }, load, onOutcome)
  }

  /** Ends a call for its caller and tells the toolkit; nothing happens when it has its outcome. */
  cancel(call: Call, reason: string): void {
    const { code, message, retryable } = new AtpError('cancelled', `The call was cancelled: ${reason}`)
    if (call.fail({ code, message, retryable })) this.#options.delivery.cancel(call, reason)
  }

  /** Refuses new calls from now on; resolves when those under way have ended. */
  drain(): Promise<void> {
    this.#draining = true
    if (this.#calls.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  /** Ends what outlasted the drain: nobody will learn whether it finished. */
  endAll(): void {
    for (const call of [...this.#calls]) {
      const message = `The server restarted while "${call.tool.name}" ran; whether it finished is unknown`
      const { code, retryable } = new AtpError('toolkit_disconnected', message)
      if (call.fail({ code, message, retryable })) this.#options.delivery.cancel(call, 'the server restarts')
    }
  }

  /** @throws AtpError `busy` when the key has as much under way as it may */
  #enter({ key, requestChars }: CallRequest): KeyLoad {
    const { maxInFlightPerKey, maxRequestCharsPerKey } = this.#options
    let load = this.#loads.get(key.id)
    if (load && load.calls >= maxInFlightPerKey) {
      throw new AtpError(
        'busy',
        `This key has ${load.calls} calls under way, which is its limit; send the call again later`,
      )
    }
    if (load && load.requestChars + requestChars > maxRequestCharsPerKey) {
      throw new AtpError('busy', 'The calls under way for this key are too large together; send the call again later')
    }
    if (!load) {
      load = { calls: 0, requestChars: 0 }
      this.#loads.set(key.id, load)
    }
    load.calls += 1
    return load
  }

  #leave(keyId: string, load: KeyLoad): void {
    load.calls -= 1
    if (load.calls === 0) this.#loads.delete(keyId)
  }

  /** @throws AtpError `tool_not_found`, or `server_shutting_down` */
  #toolOf(entry: DirectoryEntry, { tool: name, provider }: CallRequest): ToolDescriptor {
    if (this.#draining) throw new AtpError('server_shutting_down', 'The server restarts; send the call again')
    const tool = this.#options.toolNames.find(entry, name, provider)
    if (tool) return tool
    throw new AtpError('tool_not_found', `Toolkit "${entry.toolkit.appName}" has no tool "${name}"`)
  }

  /** The arguments in the form of the tool's own schema. @throws AtpError `invalid_params` */
  #paramsOf(entry: DirectoryEntry, tool: ToolDescriptor, { params, provider }: CallRequest): Record<string, unknown> {
    return this.#options.toolNames.readArguments(entry, tool.name, params, provider)
  }

  #accept(
    toolkit: StoredToolkit,
    tool: ToolDescriptor,
    request: CallRequest,
    load: KeyLoad,
    onOutcome: (outcome: CallOutcome, call: Call) => void,
  ): Call {
    const { key, params, authToken, requestChars } = request
    let timer: ReturnType<typeof setTimeout> | undefined
    const call = new Call({
      id: this.#options.newId(),
      key,
      toolkit,
      tool,
      params,
      authToken,
      timeoutMs: effectiveTimeoutMs(tool.timeoutMs, request.timeoutMs),
      meta: request.meta,
      requestChars,
      load,
      onOutcome: (outcome, ended) => {
        clearTimeout(timer)
        this.#ended(ended, outcome, load)
        onOutcome(outcome, ended)
      },
    })
    this.#calls.add(call)
    const refusal = this.#refusal(call) ?? this.#options.delivery.dispatch(call)
    if (refusal) call.fail(toWireError(refusal))
    else if (!call.ended) timer = setTimeout(() => this.#expire(call), call.timeoutMs)
    return call
  }

  #refusal(call: Call): AtpError | undefined {
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
    if (call.fail({ code, message, retryable })) this.#options.delivery.cancel(call, 'deadline exceeded')
  }

  #ended(call: Call, outcome: CallOutcome, load: KeyLoad): void {
    this.#calls.delete(call)
    this.#leave(call.key.id, load)
    this.#options.log.add(call, 'socket', outcome.ok ? null : outcome.error.code)
    if (this.#calls.size === 0) this.#idle?.()
  }
}

/** The one wording for a toolkit that is missing, or that belongs to another project (rule K8). */
export function toolkitNotFound(toolkitId: string): AtpError {
  return new AtpError('toolkit_not_found', `There is no toolkit "${toolkitId}"`)
}
