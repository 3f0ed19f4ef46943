import { randomUUID } from 'node:crypto'
import { isObject } from '../python-json.ts'
import type { FoundingState, FoundingTool, FoundingToolkit } from './founding-state.ts'

/** One call on its way to a toolkit. */
export interface FoundingRequest {
  request_id: string
  tool_name: string
  params: Record<string, unknown>
  auth_token?: string
}

/** What carries calls to a toolkit: its sockets, or its inbox. */
export interface FoundingDelivery {
  /** Whether somebody serves the toolkit. */
  isOnline(toolkit: FoundingToolkit): boolean
  deliver(toolkit: FoundingToolkit, request: FoundingRequest): void
}

interface Asked {
  tool: string
  params: Record<string, unknown>
  token: string | undefined
}

/** The calls of a founding server: checks before dispatch, one answer each, a time limit. */
export class FoundingCalls {
  readonly #state: FoundingState
  readonly #delivery: FoundingDelivery
  readonly #timeoutMs: number
  readonly #pending = new Map<string, { toolkit: FoundingToolkit; tool: string; answer: (result: unknown) => void }>()

  constructor(state: FoundingState, delivery: FoundingDelivery, timeoutMs: number) {
    this.#state = state
    this.#delivery = delivery
    this.#timeoutMs = timeoutMs
  }

  /** Serves a `task_request`; the answer has both generations' members. */
  async serve(message: Record<string, unknown>): Promise<Record<string, unknown>> {
    const asked = readPayload(message)
    const result = await this.#resultOf(message, asked)
    return {
      type: 'task_response',
      request_id: message.request_id,
      status: 'success',
      payload: { result },
      result: { tool: { name: asked?.tool ?? 'unknown', result } },
    }
  }

  /** Takes the answer to a request. @returns whether somebody waited for it */
  answer(requestId: unknown, result: unknown): boolean {
    const pending = this.#pending.get(String(requestId))
    pending?.answer(result)
    return pending !== undefined
  }

  /** Takes the answer to the oldest call of a function, as the early build gives it. */
  answerOldest(toolkit: FoundingToolkit, tool: unknown, result: unknown): void {
    const oldest = [...this.#pending.values()].find((each) => each.toolkit === toolkit && each.tool === tool)
    oldest?.answer(result)
  }

  /** Ends the calls of a toolkit whose socket is gone. */
  fail(requestIds: Iterable<string>, why: string): void {
    for (const id of requestIds) this.answer(id, { error: why })
  }

  async #resultOf(message: Record<string, unknown>, asked: Asked | undefined): Promise<unknown> {
    if (asked === undefined) return { error: 'The payload of the task cannot be read' }
    const toolkit = this.#state.findToolkit(message.toolkit_id)
    if (toolkit === undefined) return { error: `There is no toolkit '${String(message.toolkit_id)}'` }
    const tool = toolkit.tools.get(asked.tool)
    if (tool === undefined) return { error: `Toolkit '${toolkit.appName}' has no tool '${asked.tool}'` }
    const refusal = checkCall(tool, asked)
    if (refusal !== undefined) return { error: refusal }
    if (!this.#delivery.isOnline(toolkit)) return { error: `Toolkit '${toolkit.appName}' is not connected` }
    const limit = typeof message.timeout_ms === 'number' ? message.timeout_ms : this.#timeoutMs
    return this.#dispatch(toolkit, tool, asked, limit)
  }

  #dispatch(toolkit: FoundingToolkit, tool: FoundingTool, asked: Asked, limitMs: number): Promise<unknown> {
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => resolve({ error: `'${tool.name}' did not answer in time` }), limitMs)
    this.#pending.set(id, { toolkit, tool: tool.name, answer: resolve })
    this.#delivery.deliver(toolkit, {
      request_id: id,
      tool_name: tool.name,
      params: asked.params,
      ...(tool.authType !== null && asked.token !== undefined ? { auth_token: asked.token } : {}),
    })
    return promise.finally(() => {
      clearTimeout(timer)
      this.#pending.delete(id)
    })
  }
}

function checkCall(tool: FoundingTool, asked: Asked): string | undefined {
  const missing = tool.requiredParams.filter((name) => name !== 'auth_token' && !Object.hasOwn(asked.params, name))
  if (missing.length > 0) return `Missing required parameters: ${missing.join(', ')}`
  if (tool.authType === null || asked.token !== undefined) return undefined
  return `Function '${tool.name}' requires 'auth_token', but none was provided.`
}

/** All forms that releases of the SDK send; undefined where there is no function to be found. */
function readPayload(message: Record<string, unknown>): Asked | undefined {
  const payload = parseText(message.payload)
  if (!isObject(payload) || typeof payload.function !== 'string') return undefined
  const params = parseText(payload.parameters ?? payload.arguments ?? {})
  const token = [payload.auth_token, message.auth_token].find((each) => typeof each === 'string' && each !== '')
  return {
    tool: payload.function,
    params: isObject(params) ? params : {},
    token: token === undefined ? undefined : String(token),
  }
}

function parseText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
