import { AtpError, toWireError } from '@atp/core'
import { checkCall, effectiveTimeoutMs } from '@atp/core/protocol'
import type { Delivery } from '../delivery/delivery.ts'
import type { StoredKey } from '../store/store.ts'
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
}

/** Brings accepted calls to their delivery and sees that each gets exactly one outcome. */
export class CallRouter {
  readonly #options: CallRouterOptions
  readonly #inFlightByKey = new Map<string, number>()
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
    return entry && this.#accept(entry, request, onOutcome)
  }

  /** The same for a toolkit that has to be looked up. @throws AtpError */
  async startLater(request: CallRequest, onOutcome: (outcome: CallOutcome, call: Call) => void): Promise<Call> {
    const entry = await this.#options.directory.resolve(request.key.projectId, request.toolkitId)
    if (!entry) throw toolkitNotFound(request.toolkitId)
    return this.#accept(entry, request, onOutcome)
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

  #accept(entry: DirectoryEntry, request: CallRequest, onOutcome: (outcome: CallOutcome, call: Call) => void): Call {
    if (this.#draining) throw new AtpError('server_shutting_down', 'The server restarts; send the call again')
    const { key, params, authToken } = request
    const tool = this.#options.toolNames.find(entry, request.tool, request.provider)
    if (!tool) {
      throw new AtpError('tool_not_found', `Toolkit "${entry.toolkit.appName}" has no tool "${request.tool}"`)
    }
    const inFlight = this.#inFlightByKey.get(key.id) ?? 0
    if (inFlight >= this.#options.maxInFlightPerKey) {
      throw new AtpError(
        'busy',
        `This key has ${inFlight} calls under way, which is its limit; send the call again later`,
      )
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    const call = new Call({
      id: this.#options.newId(),
      key,
      toolkit: entry.toolkit,
      tool,
      params,
      authToken,
      timeoutMs: effectiveTimeoutMs(tool.timeoutMs, request.timeoutMs),
      meta: request.meta,
      onOutcome: (outcome, ended) => {
        clearTimeout(timer)
        this.#ended(ended, outcome)
        onOutcome(outcome, ended)
      },
    })
    this.#inFlightByKey.set(key.id, inFlight + 1)
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

  #ended(call: Call, outcome: CallOutcome): void {
    this.#calls.delete(call)
    const left = (this.#inFlightByKey.get(call.key.id) ?? 1) - 1
    if (left > 0) this.#inFlightByKey.set(call.key.id, left)
    else this.#inFlightByKey.delete(call.key.id)
    this.#options.log.add(call, 'socket', outcome.ok ? null : outcome.error.code)
    if (this.#calls.size === 0) this.#idle?.()
  }
}

/** The one wording for a toolkit that is missing, or that belongs to another project (rule K8). */
export function toolkitNotFound(toolkitId: string): AtpError {
  return new AtpError('toolkit_not_found', `There is no toolkit "${toolkitId}"`)
}
