import type { ZodType } from 'zod'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import * as schemas from './frame-schemas.ts'
import { readLlmCall, readResult, readToolkitCall } from './frame-shortcuts.ts'
import type {
  AppEvent,
  ErrorFrame,
  Frame,
  FromLlmFrame,
  FromToolkitFrame,
  LlmCallFrame,
  ToLlmFrame,
  ToolkitCallFrame,
  ToToolkitFrame,
} from './frames.ts'
import { answerLimits, checkParsedShape, isJsonObject, type JsonLimits, jsonLimits, parseUnchecked } from './json.ts'
import { firstIssues } from './tool-descriptor.ts'

/** A frame that was read, or why it could not be and which request, under which lease, it belongs to. */
export type Decoded<F> = { ok: true; frame: F } | ({ ok: false; error: AtpError } & FrameNames)

/** What a frame that cannot be read still says of itself. */
interface FrameNames {
  requestId: string | undefined
  leaseId?: string
}

type Reader<F> = (text: string) => Decoded<F>

/** Reads what a toolkit client sends. */
export const decodeFromToolkit: Reader<FromToolkitFrame> = reader<FromToolkitFrame>(
  { result: readResult },
  {
    hello: schemas.hello,
    register: schemas.register,
    unregister: schemas.unregister,
    ack: schemas.ack,
    progress: schemas.progress,
    chunk: schemas.chunk,
    result: schemas.result,
    running: schemas.running,
    drain: schemas.drain,
    error: schemas.error,
  },
)

/** Reads what a server sends to a toolkit client. */
export const decodeToToolkit: Reader<ToToolkitFrame> = reader<ToToolkitFrame>(
  { call: readToolkitCall },
  {
    welcome: schemas.welcome,
    registered: schemas.registered,
    call: schemas.toolkitCall,
    acked: schemas.acked,
    received: schemas.received,
    cancel: schemas.cancel,
    drain: schemas.drain,
    error: schemas.error,
  },
)

/** Reads what an LLM client sends. */
export const decodeFromLlm: Reader<FromLlmFrame> = reader<FromLlmFrame>(
  { call: readLlmCall },
  {
    hello: schemas.hello,
    context: schemas.contextRequest,
    call: schemas.llmCall,
    cancel: schemas.cancel,
    error: schemas.error,
  },
)

/** Reads what a server sends to an LLM client. */
export const decodeToLlm: Reader<ToLlmFrame> = reader<ToLlmFrame>(
  { result: readResult },
  {
    welcome: schemas.welcome,
    context: schemas.context,
    accepted: schemas.accepted,
    ack: schemas.ack,
    progress: schemas.progress,
    chunk: schemas.chunk,
    result: schemas.result,
    drain: schemas.drain,
    error: schemas.error,
  },
)

type Shortcut<F> = (wire: Record<string, unknown>) => F | undefined

/** @param shortcuts read frames in their usual form, by type */
function reader<F extends Frame>(
  shortcuts: { [T in F['type']]?: Shortcut<Extract<F, { type: T }>> },
  byType: { [T in F['type']]: ZodType<Extract<F, { type: T }>> },
): Reader<F> {
  const readers = new Map<unknown, ZodType<F>>(Object.entries(byType) as [string, ZodType<F>][])
  const [[shortType, readShort] = []] = Object.entries(shortcuts) as [string, Shortcut<F>][]
  return (text) => {
    try {
      const value = parseUnchecked(text)
      if (!isJsonObject(value)) throw new AtpError('invalid_request', 'A frame must be a JSON object')
      checkParsedShape(text, value, largeFrames.has(value.type) ? largeFrameLimits : frameLimits)
      const short = value.type === shortType ? readShort?.(value) : undefined
      if (short !== undefined) return { ok: true, frame: short }
      const schema = readers.get(value.type)
      if (!schema) throw new AtpError('invalid_request', unknownType(value.type, [...readers.keys()]))
      const parsed = schema.safeParse(value)
      if (parsed.success) return { ok: true, frame: parsed.data }
      throw new AtpError('invalid_request', `Frame "${String(value.type)}": ${firstIssues(parsed.error)}`)
    } catch (error) {
      if (!isAtpError(error)) throw error
      return { ok: false, error, ...namesOf(text) }
    }
  }
}

/** Frames that carry whole registrations, results, contexts and lists of calls: more members than a caller may write. */
const largeFrames = new Set<unknown>([
  ...['register', 'registered', 'unregister', 'running', 'context', 'progress', 'chunk', 'result'],
])
/** The frame itself is one level around what it carries. */
const frameLimits: JsonLimits = { ...jsonLimits, maxDepth: jsonLimits.maxDepth + 1 }
const largeFrameLimits: JsonLimits = { ...answerLimits, maxDepth: answerLimits.maxDepth + 1 }

/** Whose frame it was that could not be read: its sender waits for an answer, however bad the rest of it is. */
function namesOf(text: string): FrameNames {
  try {
    const wire = JSON.parse(text) as { request_id?: unknown; lease_id?: unknown } | null
    const { request_id: requestId, lease_id: leaseId } = wire ?? {}
    return { requestId: isId(requestId) ? requestId : undefined, ...(isId(leaseId) && { leaseId }) }
  } catch {
    return { requestId: undefined }
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 128
}

function unknownType(type: unknown, known: unknown[]): string {
  const shown = typeof type === 'string' ? `"${type.slice(0, 40)}"` : 'that is missing'
  return `A frame of type ${shown} is not taken here; known are ${known.join(', ')}`
}

/** An error frame for a request that could not be read or served. */
export function errorFrame(error: unknown, requestId?: string): ErrorFrame {
  return { type: 'error', requestId, error: toWireError(error) }
}

/** Writes a frame as it travels. */
export function encodeFrame(frame: Frame): string {
  return JSON.stringify(toWire(frame))
}

/**
 * Writes a successful result around a value that is JSON text already, which spares parsing and writing it again.
 * Obligation: `json` is valid JSON.
 */
export function encodeResult(
  requestId: string,
  json: string,
  { callId, leaseId }: { callId?: string | undefined; leaseId?: string | undefined } = {},
): string {
  const call = callId === undefined ? '' : `,"call_id":${JSON.stringify(callId)}`
  const lease = leaseId === undefined ? '' : `,"lease_id":${JSON.stringify(leaseId)}`
  return `{"type":"result","request_id":${JSON.stringify(requestId)}${call}${lease},"ok":true,"result":${json}}`
}

/** Members that are undefined disappear in `JSON.stringify`. */
function toWire(frame: Frame): Record<string, unknown> {
  switch (frame.type) {
    case 'call':
      return toWireCall(frame)
    case 'result': {
      const wire: Record<string, unknown> = { type: 'result', request_id: frame.requestId }
      if (frame.callId !== undefined) wire.call_id = frame.callId
      if (frame.leaseId !== undefined) wire.lease_id = frame.leaseId
      wire.ok = frame.ok
      if (frame.ok) wire.result = frame.result
      else wire.error = frame.error
      return wire
    }
    case 'hello':
      return {
        type: 'hello',
        protocol: frame.protocol,
        capabilities: frame.capabilities,
        instance_id: frame.instanceId,
        app_name: frame.appName,
        max_concurrency: frame.maxConcurrency,
        api_key: frame.apiKey,
      }
    case 'welcome':
      return {
        type: 'welcome',
        protocol: frame.protocol,
        capabilities: frame.capabilities,
        toolkit_id: frame.toolkitId,
        toolkit_hash: frame.toolkitHash,
        limits: {
          max_frame_bytes: frame.limits.maxFrameBytes,
          max_result_bytes: frame.limits.maxResultBytes,
          max_in_flight: frame.limits.maxInFlight,
        },
        heartbeat_ms: frame.heartbeatMs,
      }
    case 'register':
      return {
        type: 'register',
        request_id: frame.requestId,
        toolkit_hash: frame.toolkitHash,
        caption: frame.caption,
        instructions: frame.instructions,
        endpoint_url: frame.endpointUrl,
        tools: frame.tools,
      }
    case 'registered':
      return {
        type: 'registered',
        request_id: frame.requestId,
        toolkit_id: frame.toolkitId,
        tools: frame.tools,
        rejected: frame.rejected,
        resend: frame.resend,
      }
    case 'unregister':
      return {
        type: 'unregister',
        request_id: frame.requestId,
        toolkit_hash: frame.toolkitHash,
        tools: frame.tools,
      }
    case 'context':
      return 'context' in frame
        ? { type: 'context', request_id: frame.requestId, context: frame.context }
        : {
            type: 'context',
            request_id: frame.requestId,
            toolkit_id: frame.toolkitId,
            provider: frame.provider,
            user_prompt: frame.userPrompt,
          }
    case 'ack':
      return { type: 'ack', request_id: frame.requestId, lease_id: frame.leaseId }
    case 'acked':
      return { type: 'acked', request_id: frame.requestId, lease_id: frame.leaseId }
    case 'accepted':
      return { type: 'accepted', request_id: frame.requestId, call_id: frame.callId }
    case 'received':
      return { type: 'received', request_ids: frame.requestIds }
    case 'running':
      return { type: 'running', request_ids: frame.requestIds, complete: frame.complete }
    case 'progress':
      return {
        type: 'progress',
        request_id: frame.requestId,
        lease_id: frame.leaseId,
        progress: frame.progress,
      }
    case 'chunk':
      return {
        type: 'chunk',
        request_id: frame.requestId,
        lease_id: frame.leaseId,
        sequence: frame.sequence,
        data: frame.data,
      }
    case 'cancel':
      return { type: 'cancel', request_id: frame.requestId, reason: frame.reason }
    case 'drain':
      return { type: 'drain', deadline_ms: frame.deadlineMs }
    case 'error':
      return { type: 'error', request_id: frame.requestId, error: frame.error }
    default:
      return unknownFrame(frame)
  }
}

/** The most frequent frame, with many members that are seldom there: each costs time, also where it is undefined. */
function toWireCall(frame: LlmCallFrame | ToolkitCallFrame): Record<string, unknown> {
  const wire: Record<string, unknown> = { type: 'call', request_id: frame.requestId }
  if ('toolkitId' in frame) {
    wire.toolkit_id = frame.toolkitId
    if (frame.timeoutMs !== undefined) wire.timeout_ms = frame.timeoutMs
    if (frame.provider !== undefined) wire.provider = frame.provider
    if (frame.idempotencyKey !== undefined) wire.idempotency_key = frame.idempotencyKey
    if (frame.externalUserId !== undefined) wire.external_user_id = frame.externalUserId
    if (frame.detach !== undefined) wire.detach = frame.detach
  } else {
    wire.deadline_ms = frame.deadlineMs
    if (frame.leaseId !== undefined) wire.lease_id = frame.leaseId
    if (frame.leaseMs !== undefined) wire.lease_ms = frame.leaseMs
  }
  wire.tool = frame.tool
  wire.params = frame.params
  if (frame.authToken !== undefined) wire.auth_token = frame.authToken
  if (frame.stream !== undefined) wire.stream = frame.stream
  if (frame.app) wire.app = toWireAppEvent(frame.app)
  if (frame.meta !== undefined) wire._meta = frame.meta
  return wire
}

function toWireAppEvent({ sessionId, event, data }: AppEvent): Record<string, unknown> {
  return { session_id: sessionId, event, data }
}

function unknownFrame(frame: never): never {
  throw new TypeError(`No wire form for ${JSON.stringify(frame)}`)
}
