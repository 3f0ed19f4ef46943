import { LegacyBreak } from '../legacy-break.ts'
import { isObject } from '../python-json.ts'
import { isAtLeast, type SdkVersion } from '../sdk-version.ts'
import type { WireFrame } from '../wire-socket.ts'

/** What an agent asks for with `get_toolkit_context`. */
export interface LegacyContextRequest {
  toolkitId: string
  /** @default 'openai' */
  provider?: string | undefined
  /** @default '' */
  userPrompt?: string | undefined
}

/** One tool call as an agent hands it to `call_tool`. */
export interface LegacyCallRequest {
  toolkitId: string
  tool: string
  /** @default {} */
  params?: unknown
  authToken?: string | null | undefined
  /** @default '' */
  userPrompt?: string | undefined
  /** Sent up to 0.1.7. @default 'openai' */
  provider?: string | undefined
  /** The model's own id of the call. @default 'call_1' */
  callId?: string | undefined
  /** Sends the arguments as JSON text, as 0.1.6 and 0.1.7 do with what OpenAI's models give. @default false */
  argumentsAsText?: boolean | undefined
  /** Members that no release sends, such as our own `timeout_ms`. */
  extra?: Record<string, unknown> | undefined
}

/** What a message needs besides what is asked for. */
export interface MessageHead {
  version: SdkVersion
  requestId: string
  apiKey: string
}

/** The message of `get_toolkit_context`. */
export function contextMessage({ version, requestId, apiKey }: MessageHead, request: LegacyContextRequest): WireFrame {
  return {
    type: 'get_toolkit_context',
    toolkit_id: request.toolkitId,
    request_id: requestId,
    ...(isAtLeast(version, '0.1.5') ? { provider: request.provider ?? 'openai' } : {}),
    user_prompt: request.userPrompt ?? '',
    ...(isAtLeast(version, '0.2.2') ? { api_key: apiKey } : {}),
  }
}

/** The message of `call_tool`. */
export function taskMessage({ version, requestId, apiKey }: MessageHead, request: LegacyCallRequest): WireFrame {
  const hasProvider = isAtLeast(version, '0.1.5') && !isAtLeast(version, '0.1.8')
  return {
    type: 'task_request',
    request_id: requestId,
    toolkit_id: request.toolkitId,
    payload: taskPayload(version, request),
    auth_token: request.authToken ?? null,
    user_prompt: request.userPrompt ?? '',
    ...(hasProvider ? { provider: request.provider ?? 'openai' } : {}),
    ...(isAtLeast(version, '0.2.2') ? { api_key: apiKey } : {}),
    ...request.extra,
  }
}

function taskPayload(version: SdkVersion, request: LegacyCallRequest): unknown {
  const { tool, params = {}, authToken = null, callId = 'call_1' } = request
  const call = { function: tool, parameters: params }
  if (!isAtLeast(version, '0.1.4')) return JSON.stringify(call)
  if (!isAtLeast(version, '0.1.6')) return call
  if (!isAtLeast(version, '0.1.8')) {
    const given = request.argumentsAsText ? JSON.stringify(params) : params
    return { id: callId, function: tool, arguments: given, type: 'function' }
  }
  return { ...call, auth_token: authToken, ...(isAtLeast(version, '0.2.1') ? { tool_call_id: callId } : {}) }
}

/**
 * The context as `get_toolkit_context` returns it.
 * @throws LegacyBreak where the release cannot use it
 */
export function readContext(version: SdkVersion, protocol: 'ws' | 'http', frame: WireFrame): WireFrame {
  const { payload } = frame
  if (!isObject(payload)) throw new LegacyBreak(`SDK ${version} finds no payload in ${shown(frame)}`)
  if ('error' in payload) return payload
  if (!isAtLeast(version, '0.1.5') && typeof payload.context !== 'string') {
    throw new LegacyBreak(`SDK ${version} needs a text payload.context in ${shown(frame)}`)
  }
  const tools = Array.isArray(payload.tools) ? payload.tools : []
  if (version === '0.1.5' && protocol === 'http' && tools.some((tool) => !isObject(tool) || !('function' in tool))) {
    throw new LegacyBreak('SDK 0.1.5 refuses over HTTP a context whose tools lack a member "function"')
  }
  return payload
}

/** What became of a call. */
export interface LegacyOutcome {
  /** The whole answer. */
  frame: WireFrame
  /** What this release gives to its user: `payload`, `result`, or the tool's result alone. */
  returned: unknown
  /** The tool's result, whatever the release wraps around it. */
  result: unknown
}

/**
 * The answer to a call as a release reads it.
 * @throws LegacyBreak where it would break, or show a model nothing
 */
export function readOutcome(version: SdkVersion, frame: WireFrame): LegacyOutcome {
  if (!isAtLeast(version, '0.1.8')) {
    const { payload } = frame
    if (!isObject(payload) || !('result' in payload)) throw unreadable(version, 'payload.result', frame)
    return { frame, returned: payload, result: payload.result }
  }
  if (frame.status === 'error') throw new LegacyBreak(`SDK ${version} shows the model {} for ${shown(frame)}`)
  const tool = isObject(frame.result) ? frame.result.tool : undefined
  if (!isObject(tool) || !('result' in tool) || typeof tool.name !== 'string') {
    throw unreadable(version, 'result.tool', frame)
  }
  const returned = isAtLeast(version, '0.2.1') ? tool.result : frame.result
  return { frame, returned, result: tool.result }
}

function unreadable(version: SdkVersion, member: string, frame: WireFrame): LegacyBreak {
  return new LegacyBreak(`SDK ${version} finds no ${member} in ${shown(frame)}`)
}

function shown(frame: WireFrame): string {
  return JSON.stringify(frame).slice(0, 300)
}
