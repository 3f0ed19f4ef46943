import { AtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import { providerFormat } from '../providers/provider-by-name.ts'
import type { ParsedToolCall, ProviderFormat, ProviderName, ToolCallResult } from '../providers/provider-format.ts'
import { AppSession, type SendAppEvent } from './app-session.ts'
import { CallFeed } from './call-feed.ts'
import type { CallPart, FoundingResult, ResultMessage, ToolCallPart } from './call-parts.ts'
import { callerCodes } from './caller-codes.ts'
import type { CallRequest, CallToolRequest, DetachedCall, OpenAppRequest } from './llm-client-options.ts'
import type { DoorCall, LlmDoor } from './llm-door.ts'
import { PartStream } from './part-stream.ts'
import { readTimeout } from './read-timeout.ts'
import { keyOfPlace, type RunToolCalls, runToolCalls, settle } from './run-tool-calls.ts'
import type { ToolkitContexts } from './toolkit-contexts.ts'

/** The longest idempotency key and name of an end user, in characters. */
const maxKeyLength = 255
const maxUserLength = 512

/** An LLM's calls, read and ready to run. */
interface ReadyCalls {
  calls: ParsedToolCall[]
  format: ProviderFormat
  /** Whether it is one call in the founding form. */
  single: boolean
  common: Pick<RunToolCalls, 'options' | 'sequential' | 'route'>
}

/** Runs calls: waits for their results, reads them part by part, or leaves them to the server. */
export class LlmCalls {
  readonly #door: LlmDoor
  readonly #contexts: ToolkitContexts

  constructor(door: LlmDoor, contexts: ToolkitContexts) {
    this.#door = door
    this.#contexts = contexts
  }

  /** @throws AtpError what the call failed with, or why it was not stored */
  async call(request: CallRequest & { detach?: boolean }): Promise<unknown> {
    if (request.detach === true) return { callId: await this.#door.detach(toDoorCall(request)) }
    // Returning the promise itself would take two turns of the microtask queue more.
    return await this.#door.call(toDoorCall(request))
  }

  /** @throws AtpError what the app failed with */
  openApp({ app: tool, params = {}, signal: opening, ...options }: OpenAppRequest): Promise<AppSession> {
    const send: SendAppEvent = async (app, signal) => {
      const call = toDoorCall({ ...options, tool, params: app.event === 'start' ? params : {} })
      return this.#door.call({ ...call, app, signal })
    }
    return AppSession.open(send, opening === undefined ? {} : { signal: opening })
  }

  callStreaming(request: CallRequest): PartStream<CallPart> {
    const stream = new PartStream<CallPart>(async (stopped) => {
      refuseDetach(request)
      const call = toDoorCall(request)
      const { tool } = call
      const feed: CallFeed = new CallFeed(tool, (part, kind) => {
        return stream.add({ ...part, callId: feed.callId, tool }, feed.unread, kind)
      })
      const result = await feed.run(this.#door, { ...call, signal: either(call.signal, stopped) })
      stream.add({ type: 'result', callId: feed.callId, tool, result }, feed.unread, 'result')
    })
    return stream
  }

  /** @throws AtpError when no call can run at all */
  async callTool(request: CallToolRequest): Promise<FoundingResult | Record<string, unknown>[]> {
    const { calls, format, single, common } = await this.#read(request)
    const results = await runToolCalls(calls, { ...common, run: (call) => settle(this.#door.call(call)) })
    return single ? foundingResult(results[0]) : format.toResultMessages(results)
  }

  /** @throws AtpError what no model can react to, when no call was stored: the ids of those that were must not be lost */
  async detachedCallTool(request: CallToolRequest): Promise<DetachedCall[]> {
    const { calls, common } = await this.#read(request)
    const failures: AtpError[] = []
    const results = await runToolCalls(calls, {
      ...common,
      run: (call) => settle(this.#door.detach(call), (error) => failures.push(error)),
    })
    const fatal = failures.find(({ code }) => callerCodes.has(code))
    if (fatal && results.every(({ outcome }) => !outcome.ok)) throw fatal
    return results.map(({ call, outcome }) => {
      const { id: toolCallId, name: tool } = call
      return outcome.ok
        ? { toolCallId, tool, callId: outcome.result as string }
        : { toolCallId, tool, error: outcome.error }
    })
  }

  callToolStreaming(request: CallToolRequest): PartStream<ToolCallPart<ResultMessage | FoundingResult>> {
    const stream = new PartStream<ToolCallPart<ResultMessage | FoundingResult>>(async (stopped) => {
      refuseDetach(request)
      const { calls, format, single, common } = await this.#read({
        ...request,
        signal: either(request.signal, stopped),
      })
      const feeds = calls.map(({ id: toolCallId, name: tool }): CallFeed => {
        const feed: CallFeed = new CallFeed(tool, (part, kind) => {
          return stream.add({ ...part, callId: feed.callId, toolCallId, tool }, feed.unread, kind)
        })
        return feed
      })
      const results: ToolCallResult[] = []
      let left = calls.length
      await runToolCalls(calls, {
        ...common,
        run: (call, index) => settleFeed(feeds[index] as CallFeed, this.#door, call),
        onResult: (result, index) => {
          results[index] = result
          left -= 1
          const { id: toolCallId, name: tool } = result.call
          const { callId, unread } = feeds[index] as CallFeed
          const given = single ? foundingResult(result) : toMessages(format, result, left === 0 ? results : undefined)
          stream.add({ type: 'result', callId, toolCallId, tool, outcome: result.outcome, ...given }, unread, 'result')
        },
      })
    })
    return stream
  }

  /** @throws AtpError `invalid_request`, `unknown_provider`, and what the contexts of several toolkits fail with */
  async #read(request: CallToolRequest): Promise<ReadyCalls> {
    const { userPrompt, sequential = false, idempotencyKey } = request
    const options = readOptions(request)
    const format = providerFormat(request.provider ?? 'openai')
    const single = request.jsonResponse !== undefined
    if (single === (request.toolCalls !== undefined)) {
      throw new AtpError('invalid_request', 'callTool needs toolCalls or jsonResponse, and only one of them')
    }
    const calls = format.parseToolCalls(single ? request.jsonResponse : request.toolCalls)
    if (single && calls.length !== 1) {
      throw new AtpError('invalid_request', `jsonResponse must hold one call, not ${calls.length}; use toolCalls`)
    }
    if (idempotencyKey !== undefined && calls.length > 1) checkKey(keyOfPlace(idempotencyKey, calls.length - 1))
    const route = await this.#route(request, format.name, calls)
    return {
      calls,
      format,
      single,
      common: { options: { ...options, provider: format.name, userPrompt }, sequential, route },
    }
  }

  /** @throws AtpError `invalid_request` unless there is one of `toolkitId` and `toolkits` */
  async #route(
    request: CallToolRequest,
    provider: ProviderName,
    calls: readonly ParsedToolCall[],
  ): Promise<RunToolCalls['route']> {
    const { toolkitId, toolkits, signal } = request
    if ((toolkitId === undefined) === (toolkits === undefined)) {
      throw new AtpError('invalid_request', 'callTool needs toolkitId or toolkits, and only one of them')
    }
    if (toolkitId !== undefined) return (tool) => ({ toolkitId, tool })
    const names = calls.filter(({ args }) => args !== undefined).map(({ name }) => name)
    const question = { toolkits: toolkits ?? [], provider, userPrompt: request.userPrompt ?? '', signal }
    const routes = await this.#contexts.routes(question, names)
    return (name) => routes.get(name)
  }
}

function toDoorCall(request: CallRequest): DoorCall {
  const { toolkitId, tool, params = {}, provider } = request
  return { ...readOptions(request), toolkitId, tool, params, provider, userPrompt: undefined }
}

/** @throws AtpError `invalid_request` */
function readOptions(
  request: CallRequest | CallToolRequest,
): Pick<DoorCall, 'authToken' | 'timeoutMs' | 'signal' | 'idempotencyKey' | 'externalUserId'> {
  const { authToken, signal, idempotencyKey, externalUserId } = request
  if (idempotencyKey !== undefined) checkKey(idempotencyKey)
  if (externalUserId !== undefined) checkText('externalUserId', externalUserId, maxUserLength)
  return { authToken, timeoutMs: readTimeout(request.timeoutMs), signal, idempotencyKey, externalUserId }
}

function checkKey(key: string): void {
  checkText('idempotencyKey', key, maxKeyLength)
}

/** @throws AtpError `invalid_request` */
function checkText(name: string, value: unknown, maxLength: number): void {
  if (typeof value === 'string' && value !== '' && value.length <= maxLength) return
  throw new AtpError('invalid_request', `${name} must be a text of 1 to ${maxLength} characters`)
}

/** @throws AtpError `invalid_request`: a call that nobody waits for has no parts */
function refuseDetach(request: object): void {
  if (!('detach' in request) || request.detach !== true) return
  throw new AtpError('invalid_request', 'A call with detach cannot be streamed; ask for it with waitForCall')
}

/** What this side gives a call up for is its result: the other calls go on. */
async function settleFeed(feed: CallFeed, door: LlmDoor, call: DoorCall): Promise<ToolCallResult['outcome']> {
  try {
    return await settle(feed.run(door, call))
  } catch (error) {
    if (feed.failure) return { ok: false, error: toWireError(feed.failure) }
    throw error
  }
}

function either(signal: AbortSignal | undefined, stopped: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, stopped]) : stopped
}

function foundingResult(result: ToolCallResult | undefined): FoundingResult {
  const outcome = result?.outcome
  return { result: outcome?.ok ? outcome.result : { error: outcome?.error.message } }
}

function toMessages(
  format: ProviderFormat,
  result: ToolCallResult,
  all: readonly ToolCallResult[] | undefined,
): ResultMessage {
  const [message] = format.toResultMessages([result])
  return { message: message ?? {}, ...(all && { messages: format.toResultMessages(all) }) }
}
