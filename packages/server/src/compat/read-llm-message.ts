import { AtpError, isAtpError, openaiFormat } from '@atp/core'
import { type AppEvent, isJsonObject, parseJson } from '@atp/core/protocol'
import { keyInBody } from './key-in-body.ts'

/** What all messages have. */
interface MessageBase {
  /** Echoed as it came, whatever it is. */
  requestId: unknown
  /** The key that bodies repeat. */
  apiKey: string | undefined
}

/** A question for a toolkit's tools, of any version of the Python SDK or of our own client over HTTP. */
export interface ContextMessage extends MessageBase {
  kind: 'context'
  toolkitId: string
  /** As its sender wrote it, which is how it is echoed. */
  provider: string
  userPrompt: string
  /** The first versions name no provider and read a text instead. */
  wantsText: boolean
  /** Why it cannot be served; everything else is then only good for an answer. */
  problem: AtpError | undefined
}

/** A call of a tool. */
export interface CallMessage extends MessageBase {
  kind: 'call'
  toolkitId: string
  /** As its sender wrote it; `unknown` where that cannot be read. */
  tool: string
  params: Record<string, unknown>
  authToken: string | undefined
  timeoutMs: number | undefined
  provider: string | undefined
  /** Members of ours, which no version of the Python SDK sends. */
  meta: Record<string, unknown> | undefined
  idempotencyKey: string | undefined
  externalUserId: string | undefined
  detach: boolean
  app: AppEvent | undefined
  problem: AtpError | undefined
}

/** Anything else: a repeated greeting, or what no version sends. */
export interface OtherMessage extends MessageBase {
  kind: 'auth' | 'other'
  problem: AtpError
}

/** What an LLM client sends, as far as it can be understood. */
export type LlmMessage = ContextMessage | CallMessage | OtherMessage

/** A message has two levels around a call's parameters, and a few members of its own. */
const messageLimits = { maxDepth: 66, maxKeys: 10_032 } as const

/**
 * Reads a text frame. Never fails: whoever sent a request_id waits for an answer of the right type, so that is found
 * even in what is no JSON.
 */
export function readLlmText(text: string): LlmMessage {
  let value: unknown
  try {
    value = parseJson(text, messageLimits)
  } catch (error) {
    if (!isAtpError(error)) throw error
    const salvaged = readLlmMessage(salvage(text))
    return { ...salvaged, problem: error }
  }
  return readLlmMessage(value)
}

/** Reads a parsed message. Never fails. */
export function readLlmMessage(value: unknown): LlmMessage {
  const message = isJsonObject(value) ? value : {}
  const base = {
    requestId: Object.hasOwn(message, 'request_id') ? message.request_id : '',
    apiKey: keyInBody(message),
  }
  switch (message.type) {
    case 'get_toolkit_context':
      return readContext(message, base)
    case 'task_request':
      return readCall(message, base)
    case 'auth':
      return { kind: 'auth', ...base, problem: new AtpError('invalid_request', 'auth was said already') }
    default: {
      const problem = 'A message needs a type: "get_toolkit_context" or "task_request"'
      return { kind: 'other', ...base, problem: new AtpError('invalid_request', problem) }
    }
  }
}

function readContext(message: Record<string, unknown>, base: MessageBase): ContextMessage {
  const { provider } = message
  const named = typeof provider === 'string' && provider !== ''
  return {
    ...base,
    kind: 'context',
    toolkitId: textOr(message.toolkit_id, ''),
    provider: named ? provider : 'openai',
    userPrompt: textOr(message.user_prompt, ''),
    wantsText: !named,
    problem:
      toolkitProblem(message) ??
      (named || provider === undefined || provider === null || provider === ''
        ? undefined
        : new AtpError('unknown_provider', 'The provider must be a text such as "openai"')),
  }
}

function readCall(message: Record<string, unknown>, base: MessageBase): CallMessage {
  const { payload, provider, timeout_ms, idempotency_key, external_user_id, detach, app, _meta } = message
  const call = readPayload(payload)
  const tokenOfPayload = isJsonObject(payload) ? payload.auth_token : undefined
  return {
    ...base,
    kind: 'call',
    toolkitId: textOr(message.toolkit_id, ''),
    tool: call.tool,
    params: call.params,
    // Either place; an empty text says no more than none.
    authToken: textOr(tokenOfPayload, '') || textOr(message.auth_token, '') || undefined,
    timeoutMs: typeof timeout_ms === 'number' && timeout_ms > 0 ? timeout_ms : undefined,
    // Only needed for names and arguments that a provider's context changed; what older clients write here never fails a call.
    provider: typeof provider === 'string' && knownProviders.has(provider.toLowerCase()) ? provider : 'openai',
    meta: isJsonObject(_meta) ? _meta : undefined,
    idempotencyKey: textOr(idempotency_key, '') || undefined,
    externalUserId: textOr(external_user_id, '') || undefined,
    detach: detach === true,
    app: readApp(app),
    problem: toolkitProblem(message) ?? call.problem ?? appProblem(app),
  }
}

const appEvents = new Set<unknown>(['start', 'action', 'close'])

/** An event that cannot be read must not become a plain call. */
function appProblem(app: unknown): AtpError | undefined {
  if (app === undefined || app === null || readApp(app)) return undefined
  return new AtpError('invalid_request', 'app must be {session_id, event: "start" | "action" | "close", data?}')
}

function readApp(app: unknown): AppEvent | undefined {
  if (!isJsonObject(app) || !appEvents.has(app.event)) return undefined
  const { session_id: sessionId, event, data } = app
  if (typeof sessionId !== 'string' || sessionId === '' || sessionId.length > 128) return undefined
  return { sessionId, event: event as AppEvent['event'], ...(data === undefined ? {} : { data }) }
}

const knownProviders = new Set([
  'openai',
  'openai-chat',
  'openai-strict',
  'openai-chat-strict',
  'anthropic',
  'mistralai',
  'mistral',
])

function toolkitProblem({ toolkit_id: id }: Record<string, unknown>): AtpError | undefined {
  if (typeof id === 'string' && id !== '' && id.length <= 512) return undefined
  return new AtpError('invalid_request', 'toolkit_id must be the id or the name of a toolkit')
}

interface ReadPayload {
  tool: string
  params: Record<string, unknown>
  problem: AtpError | undefined
}

/**
 * The call in a payload: JSON text (0.1.2, 0.1.3), `{function, parameters}` (0.1.4 on), or `{id, function, arguments,
 * type}` with arguments as object or JSON text (0.1.6, 0.1.7).
 */
function readPayload(payload: unknown): ReadPayload {
  if (isJsonObject(payload) && typeof payload.function === 'string' && isJsonObject(payload.parameters)) {
    return checked(payload.function, payload.parameters, undefined)
  }
  const call = foundCall(payload)
  if (!call) {
    const problem = 'payload must be one tool call: {"function": NAME, "parameters": {…}}'
    return { tool: nameIn(payload), params: {}, problem: new AtpError('invalid_request', problem) }
  }
  return checked(call.name, call.args ?? {}, call.error)
}

function foundCall(payload: unknown) {
  try {
    const calls = openaiFormat.parseToolCalls(payload)
    return calls.length === 1 ? calls[0] : undefined
  } catch (error) {
    if (!isAtpError(error)) throw error
    return undefined
  }
}

function checked(name: string, params: Record<string, unknown>, unreadable: string | undefined): ReadPayload {
  if (unreadable !== undefined) return { tool: name, params, problem: new AtpError('invalid_params', unreadable) }
  if (name !== '' && name.length <= 256) return { tool: name, params, problem: undefined }
  const problem = new AtpError('invalid_request', 'The name of the function must have 1 to 256 characters')
  return { tool: name.slice(0, 256), params, problem }
}

function nameIn(payload: unknown): string {
  const name = isJsonObject(payload) ? payload.function : undefined
  return typeof name === 'string' && name !== '' ? name.slice(0, 256) : 'unknown'
}

/** Type, id and key of a text that cannot be served: from its JSON, else from how the SDK writes them. */
function salvage(text: string): Record<string, unknown> {
  try {
    // Only three members of it are looked at, so nothing in it does harm.
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? { type: value.type, request_id: value.request_id, api_key: value.api_key } : {}
  } catch {
    return {
      type: memberText(text, 'type'),
      request_id: memberText(text, 'request_id') ?? '',
      api_key: memberText(text, 'api_key'),
    }
  }
}

/** The first text member of that name in a piece of JSON, such as one with NaN in it, which Python writes. */
export function memberText(text: string, name: string): string | undefined {
  const json = new RegExp(`"${name}"\\s*:\\s*("(?:[^"\\\\\\r\\n]|\\\\.){0,1024}")`).exec(text)?.[1]
  if (json === undefined) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
